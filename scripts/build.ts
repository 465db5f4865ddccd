/** Bundles the engine for release and for a fast start of the CLI: `npm run build`. */
import { chmodSync, cpSync, existsSync, mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { build } from "esbuild";

const root = join(import.meta.dirname, "..");
const out = join(root, "dist");

rmSync(out, { recursive: true, force: true });
mkdirSync(out, { recursive: true });

await build({
  absWorkingDir: root,
  entryPoints: {
    main: "src/main.ts",
    index: "src/index.ts",
    // Worker threads load these by name beside the code that starts them.
    worker: "src/kernel/worker.ts",
    "snapshot-worker": "src/snapshots/snapshot-worker.ts",
  },
  outdir: "dist",
  bundle: true,
  splitting: true,
  format: "esm",
  platform: "node",
  target: "node24",
  minifySyntax: true,
  // Native packages find their binaries beside themselves; the rest is bundled, so that a start reads few files.
  external: ["koffi", "lmdb"],
  banner: { js: 'import { createRequire as __cr } from "node:module"; const require = __cr(import.meta.url);' },
  logLevel: "warning",
});

const shim = join(root, "native/shim/build/keelson-shim");
if (existsSync(shim)) {
  cpSync(shim, join(out, "keelson-shim"));
  chmodSync(join(out, "keelson-shim"), 0o755);
}
