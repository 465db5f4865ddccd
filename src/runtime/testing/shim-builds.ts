import { after, before, describe } from "node:test";
import { buildShim, findRuntime, ShimHost } from "./shim-host.ts";

export type Variant = readonly [name: string, runtime: "crun" | "runc", build: "release" | "asan"];
export const releaseBuild: Variant = ["the release build with crun", "crun", "release"];
export const sanitizedBuild: Variant = ["the sanitized build with crun", "crun", "asan"];
export const withRunc: Variant = ["the release build with runc", "runc", "release"];

/** Defines the same tests once for each variant, on a host of its own. */
export function onEach(variants: readonly Variant[], define: (open: () => ShimHost) => void): void {
  for (const [name, runtime, build] of variants)
    describe(name, () => {
      let host: ShimHost;
      before(async () => {
        host = await ShimHost.open(buildShim(build), findRuntime(runtime));
      });
      after(() => host.close());
      define(() => host);
    });
}
