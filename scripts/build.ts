/** Bundles the engine for release and for a fast start of the CLI: `npm run build`. */
import { createHash } from "node:crypto";
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { type BuildOptions, build, type Plugin } from "esbuild";
import { compiledCode } from "./compiled-code.ts";

const root = join(import.meta.dirname, "..");
const out = join(root, "dist");
const made = join(root, `dist.${process.pid}.new`);

/** The program's entry finds the command line in a file of its own. */
const commandLineApart: Plugin = {
  name: "command line apart",
  setup: ({ onResolve, onLoad }) => {
    onResolve({ filter: /^\.\/cli\/run-process\.ts$/ }, ({ path }) => ({ path, namespace: "apart" }));
    onResolve({ filter: /./, namespace: "apart" }, ({ path }) => ({ path, external: true }));
    onLoad({ filter: /./, namespace: "apart" }, () => ({
      contents: 'export const runProcess = () => import("./cli.cjs");',
    }));
  },
};

/**
 * `import … from "node:fs"` evaluates everything that the module exports, its lazy halves (readline, promises, streams)
 * too, which takes milliseconds; this way only what is used is.
 */
const lazyBuiltins: Plugin = {
  name: "lazy builtins",
  setup: ({ onResolve, onLoad }) => {
    onResolve({ filter: /^node:/ }, ({ path }) => ({ path, namespace: "builtin" }));
    onLoad({ filter: /./, namespace: "builtin" }, ({ path }) => ({
      contents: `module.exports = process.getBuiltinModule(${JSON.stringify(path)});`,
    }));
  },
};

try {
  mkdirSync(made, { recursive: true });
  await Promise.all([bundleEngine(), bundleCommandLine()]);
  takeShim();
  putInPlace();
} finally {
  rmSync(made, { recursive: true, force: true });
}

function common(): BuildOptions {
  return {
    absWorkingDir: root,
    bundle: true,
    format: "esm",
    platform: "node",
    target: "node24",
    logLevel: "warning",
  };
}

async function bundleEngine(): Promise<void> {
  await build({
    ...common(),
    entryPoints: {
      main: "src/main.ts",
      index: "src/index.ts",
      // Worker threads load these by name beside the code that starts them.
      worker: "src/kernel/worker.ts",
      "snapshot-worker": "src/snapshots/snapshot-worker.ts",
    },
    outdir: made,
    splitting: true,
    minifySyntax: true,
    // Native packages find their binaries beside themselves; the rest is bundled, so that a start reads few files.
    external: ["koffi", "lmdb"],
    plugins: [commandLineApart],
    banner: { js: 'import { createRequire as __cr } from "node:module"; const require = __cr(import.meta.url);' },
  });
}

/** All commands in one script, with its compiled code beside it, and the small program that runs it (cli/bundled.ts). */
async function bundleCommandLine(): Promise<void> {
  const { outputFiles } = await build({
    ...common(),
    entryPoints: ["src/cli/run-process.ts"],
    write: false,
    format: "iife",
    globalName: "commandLine",
    footer: { js: "commandLine" },
    minify: true,
    plugins: [lazyBuiltins],
  });
  const source = outputFiles[0]!.text;
  const name = `cli-${createHash("sha256").update(source).digest("hex").slice(0, 12)}.js`;
  writeFileSync(join(made, name), source);
  for (const [command, code] of await compiledCode(source)) writeFileSync(join(made, `${name}.${command}.code`), code);
  await build({
    ...common(),
    entryPoints: { cli: "src/cli/bundled.ts" },
    outdir: made,
    outExtension: { ".js": ".cjs" },
    format: "cjs",
    minifySyntax: true,
    define: { bundledScript: JSON.stringify(name) },
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
  if (name === "main.js" || name === "cli.cjs") return 2;
  return /^(chunk-|cli-|keelson-shim)/.test(name) ? 0 : 1;
}
