import { invalid, type KeelsonError, notImplemented } from "../base/errors.ts";
import type { Mount } from "../kernel/kernel.ts";

type Options = Readonly<Record<string, string>>;
const known = ["type", "device", "o"];

/**
 * What has to be mounted at `target` for a local volume with driver options (`type`, `device` and `o`, as mount(8) has
 * them); undefined where the volume is a plain folder. Throws `invalid` in Docker's words. Whether the kernel has the
 * file system shows when a container first needs the volume, as in Docker.
 */
export function mountOfOptions(name: string, options: Options, target: string): Mount | undefined {
  const { type = "", device = "", o = "" } = checked(name, options);
  if (type === "" && device === "" && o === "") return undefined;
  if (device === "") throw refusal(name, 'missing required option: "device"');
  if (type === "") throw refusal(name, 'missing required option: "type"');
  const words = o.split(",").filter(Boolean);
  if (words.includes("bind") || words.includes("rbind")) return bindOf(name, device, words, target);
  if (type === "none") throw refusal(name, 'a volume of type "none" needs "bind" or "rbind" in its option "o"');
  if (type === "tmpfs") return { type: "tmpfs", target, options: words };
  return { type: "other", filesystem: type, source: device, target, options: words };
}

function checked(name: string, options: Options): Options {
  if (options["size"] !== undefined) throw refusal(name, "quota size requested but no quota support");
  for (const [key, value] of Object.entries(options)) {
    if (!known.includes(key)) throw refusal(name, `invalid option: ${JSON.stringify(key)}`);
    if (value.includes("\0")) throw refusal(name, `option ${JSON.stringify(key)} contains nul byte (\\x00)`);
  }
  return options;
}

function bindOf(name: string, source: string, words: readonly string[], target: string): Mount {
  const stray = words.find((word) => !["bind", "rbind", "ro", "rw"].includes(word));
  if (stray !== undefined)
    throw notImplemented(`create ${name}: the bind option ${JSON.stringify(stray)} is not implemented yet`);
  if (!source.startsWith("/")) throw refusal(name, `invalid mount path: '${source}' mount path must be absolute`);
  return { type: "bind", source, target, recursive: words.includes("rbind"), readOnly: words.includes("ro") };
}

const refusal = (name: string, why: string): KeelsonError => invalid(`create ${name}: ${why}`);
