/** Bundles the engine for release and for a fast start of the CLI: `npm run build`. */
import { chmodSync, copyFileSync, existsSync, mkdirSync, readdirSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { build } from "esbuild";

const root = join(import.meta.dirname, "..");
const out = join(root, "dist");
const made = join(root, `dist.${process.pid}.new`);

try {
  mkdirSync(made, { recursive: true });
  await bundle();
  takeShim();
  putInPlace();
} finally {
  rmSync(made, { recursive: true, force: true });
}

async function bundle(): Promise<void> {
  await build({
    absWorkingDir: root,
    entryPoints: {
      main: "src/main.ts",
      index: "src/index.ts",
      // Worker threads load these by name beside the code that starts them.
      worker: "src/kernel/worker.ts",
      "snapshot-worker": "src/snapshots/snapshot-worker.ts",
    },
    outdir: made,
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
}

function takeShim(): void {
  const shim = join(root, "native/shim/build/keelson-shim");
  if (!existsSync(shim)) return;
  copyFileSync(shim, join(made, "keelson-shim"));
  chmodSync(join(made, "keelson-shim"), 0o755);
}

/** File by file, the chunks before those that name them: what starts meanwhile finds a whole bundle, the old or the new. */
function putInPlace(): void {
  mkdirSync(out, { recursive: true });
  const names = readdirSync(made).sort((a, b) => rank(a) - rank(b));
  for (const name of names) renameSync(join(made, name), join(out, name));
  for (const name of readdirSync(out))
    if (!names.includes(name)) rmSync(join(out, name), { recursive: true, force: true });
}

function rank(name: string): number {
  if (name === "main.js") return 2;
  return /^(chunk-|keelson-shim)/.test(name) ? 0 : 1;
}
