import { invalid, notImplemented } from "../base/errors.ts";
import type { Mount } from "../kernel/kernel.ts";

type Options = Readonly<Record<string, string>>;
const known = ["type", "device", "o"];

/**
 * What has to be mounted at `target` for a local volume with driver options (`type`, `device` and `o`, as mount(8) has
 * them); undefined where the volume is a plain folder. Throws `invalid` in Docker's words, and `notImplemented` for
 * file systems other than tmpfs and binds.
 */
export function mountOfOptions(name: string, options: Options, target: string): Mount | undefined {
  const fail = (why: string): never => {
    throw invalid(`create ${name}: ${why}`);
  };
  if (options["size"] !== undefined) fail("quota size requested but no quota support");
  const stray = Object.keys(options).find((key) => !known.includes(key));
  if (stray !== undefined) fail(`invalid option: ${JSON.stringify(stray)}`);
  const { type = "", device = "", o = "" } = options;
  if (type === "" && device === "" && o === "") return undefined;
  if (device === "") fail('missing required option: "device"');
  if (type === "") fail('missing required option: "type"');
  const words = o.split(",").filter(Boolean);
  if (type === "tmpfs") return { type: "tmpfs", target, options: words };
  const recursive = words.includes("rbind");
  if (recursive || words.includes("bind")) {
    const stray = words.find((word) => !["bind", "rbind", "ro", "rw"].includes(word));
    if (stray !== undefined)
      throw notImplemented(`create ${name}: the bind option ${JSON.stringify(stray)} is not implemented yet`);
    if (!device.startsWith("/")) fail(`invalid mount path: '${device}' mount path must be absolute`);
    return { type: "bind", source: device, target, recursive, readOnly: words.includes("ro") };
  }
  if (type === "none") fail('a volume of type "none" needs "bind" or "rbind" in its option "o"');
  throw notImplemented(`create ${name}: local volumes of type ${JSON.stringify(type)} are not implemented yet`);
}
