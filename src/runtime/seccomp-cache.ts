import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { debugChannel } from "../base/log.ts";
import type { RuntimeSpec } from "../oci/runtime-spec.ts";

const debug = debugChannel("start");
/** crun(1): a filter in the kernel's own form, base64, used instead of the spec's seccomp section. */
const annotation = "run.oci.seccomp_bpf_data";

/**
 * Compiled seccomp filters. crun compiles a profile at each start, which takes about half of the time that it needs for all
 * the rest, and leaves the compiled form in its state folder. The engine takes it from there at the first start with a
 * profile and hands it to the later ones.
 */
export class SeccompCache {
  /** By profile: equal profiles are one object, for the compiler of profiles keeps them (`spec/seccomp.ts`). */
  readonly #compiled = new WeakMap<object, string>();

  /** The spec as crun gets it: with the compiled filter in place of the profile where that is known. */
  apply(spec: RuntimeSpec): RuntimeSpec {
    const profile = spec.linux.seccomp;
    const compiled = profile && this.#compiled.get(profile);
    if (!compiled) return spec;
    const { seccomp: _, ...linux } = spec.linux;
    return { ...spec, linux, annotations: { ...spec.annotations, [annotation]: compiled } };
  }

  /** Takes the filter that crun has compiled for a container that runs now. */
  async learn(spec: RuntimeSpec, runtimeRoot: string, id: string): Promise<void> {
    const profile = spec.linux.seccomp;
    if (!profile || this.#compiled.has(profile)) return;
    try {
      const filter = await readFile(join(runtimeRoot, id, "seccomp.bpf"));
      // A filter is a whole number of instructions of eight bytes each (seccomp(2), struct sock_filter).
      if (filter.length > 0 && filter.length % 8 === 0) this.#compiled.set(profile, filter.toString("base64"));
    } catch (error) {
      debug("no compiled seccomp filter of %s: %s", id, error);
    }
  }
}
