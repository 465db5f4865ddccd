import { messageOf } from "../../base/errors.ts";
import { Failure } from "../failure.ts";
import { Template } from "../template/template.ts";
import { nil, nilMap, nilSlice, Struct } from "../template/values.ts";

/**
 * A function that gives one object's text for `--format`. Docker's client runs the template on Go's types first, and
 * where that fails on the plain JSON, where a missing name is an error; so do we. Throws {@link Failure} 64 where the
 * format is no template.
 */
export function inspectTemplate(format: string): (value: unknown) => string {
  let typed: Template;
  let plain: Template;
  try {
    typed = new Template(format);
    plain = new Template(format, { missingKeyFails: true });
  } catch (error) {
    throw new Failure(`template parsing error: ${messageOf(error)}`, 64, error);
  }
  return (value) => {
    try {
      return typed.run(structured(value));
    } catch {
      try {
        return plain.run(value);
      } catch (error) {
        throw new Failure(`template parsing error: ${messageOf(error)}`, 1, error);
      }
    }
  };
}

/** Fields that hold maps; every other object is a struct. */
const mapFields = new Set(
  (
    "LogConfig.Config Annotations Attributes AuxiliaryAddresses Containers Data DriverOpts ExposedPorts Labels Networks " +
    "Options Peers PortBindings Ports Services StorageOpt Sysctls Tmpfs Volumes Status"
  ).split(" "),
);

/** Fields that the engine leaves out, or sends as null, where they are nil pointers in Go. */
const pointers = new Set(
  "Health Healthcheck Init OomKillDisable PidsLimit MemorySwappiness StopTimeout SizeRw SizeRootFs IPAMConfig UsageData ClusterVolume GraphDriver ImageManifestDescriptor Descriptor".split(
    " ",
  ),
);

/** Fields that may be left out, by the field that they belong to: what is asked for is then empty, not wrong. */
const omitted: Readonly<Record<string, readonly string[]>> = {
  $: ["SizeRw", "SizeRootFs", "UsageData", "Status", "Variant", "OsVersion"],
  State: ["Health"],
  HostConfig: ["Annotations", "Init", "Mounts", "StorageOpt", "Sysctls", "Tmpfs", "Runtime"],
  Config: [
    "ExposedPorts",
    "Healthcheck",
    "MacAddress",
    "NetworkDisabled",
    "Shell",
    "StopSignal",
    "StopTimeout",
    "ArgsEscaped",
    "Volumes",
    "Labels",
    "Entrypoint",
    "OnBuild",
    "User",
    "WorkingDir",
    "Cmd",
    "Env",
  ],
  IPAM: ["Config"],
};
const emptyTexts = new Set(["Runtime", "MacAddress", "StopSignal", "Variant", "OsVersion", "User", "WorkingDir"]);
const falses = new Set(["NetworkDisabled", "ArgsEscaped"]);

/** A JSON value as Go's types hold it: structs with their zero values, and maps. */
export function structured(value: unknown): unknown {
  return asGo(value, "$", "");
}

function asGo(value: unknown, field: string, within: string): unknown {
  if (Array.isArray(value)) return value.map((item) => asGo(item, `${field}[]`, ""));
  if (value === null) return zero(field);
  if (typeof value !== "object") return value;
  const entries = Object.entries(value).map(([key, item]) => [key, asGo(item, key, field)] as const);
  // `Config` is a container's or image's struct, or the map of a log driver's options beside `Type`.
  if (mapFields.has(field) || mapFields.has(`${within}.${field}`)) return Object.fromEntries(entries);
  const known = (omitted[field] ?? []).filter((key) => !Object.hasOwn(value, key));
  return new InspectStruct(Object.fromEntries([...entries, ...known.map((key) => [key, zero(key)] as const)]), value);
}

function zero(field: string): unknown {
  if (pointers.has(field)) return nil;
  if (mapFields.has(field)) return nilMap();
  if (emptyTexts.has(field)) return "";
  return falses.has(field) ? false : nilSlice();
}

/** A struct whose JSON is what the engine sent: what was left out stays out. */
class InspectStruct extends Struct {
  readonly #sent: object;

  constructor(fields: Record<string, unknown>, sent: object) {
    super("struct", fields);
    this.#sent = sent;
  }

  override toJson(): string {
    return JSON.stringify(this.#sent);
  }
}
