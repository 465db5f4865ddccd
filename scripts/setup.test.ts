import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { cpSync, globSync, mkdtempSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";

const root = join(import.meta.dirname, "..");

/** Programs of Debian's and Ubuntu's smallest systems (packages marked essential, and what those depend on). */
const everywhere =
  "bash cat chmod cp dd dpkg-deb find flock gzip install kill ln losetup ls mkdir mkfifo mknod mount mountpoint mv nsenter rm sed setpriv sh sleep tar touch true umount uname unshare";

test("every program that the sources and the tests run is one that setup brings", () => {
  const packages = JSON.parse(readFileSync(join(root, "scripts/setup/packages.json"), "utf8")) as Record<
    string,
    object
  >;
  const known = new Set([...everywhere.split(" "), ...Object.values(packages).flatMap((group) => Object.keys(group))]);
  const unknown = globSync(["src/**/*.ts", "test/*.ts", "test/compat/*.ts"], { cwd: root }).flatMap((file) =>
    [
      ...readFileSync(join(root, file), "utf8").matchAll(
        /\b(?:spawn|spawnSync|execFile|execFileSync)\(\s*"([\w.+-]+)"/g,
      ),
    ]
      .filter(([, program]) => !known.has(program!))
      .map(([, program]) => `${file} runs ${program}`),
  );
  assert.deepEqual(unknown, []);
});

test("a second setup does nothing, and a changed source is bundled anew", () => {
  const folder = mkdtempSync(join(tmpdir(), "keelson-setup-"));
  try {
    const copy = join(folder, "a copy");
    for (const name of ["bin", "dist", "native", "package-lock.json", "package.json", "scripts", "src"])
      cpSync(join(root, name), join(copy, name), { recursive: true, preserveTimestamps: true });
    cpSync(join(root, ".tools/setup.json"), join(copy, ".tools/setup.json"));
    symlinkSync(join(root, "node_modules"), join(copy, "node_modules"));
    // The first brings the copy up to date, should the checkout have changed since its own setup.
    const first = setup(copy);
    assert.equal(first.status, 0, first.stderr);
    const built = statSync(join(copy, "dist/index.js")).mtimeMs;
    assert.deepEqual(setup(copy), { status: 0, stderr: "setup: ready: bin/keelson --help\n" });
    assert.equal(statSync(join(copy, "dist/index.js")).mtimeMs, built);
    const main = join(copy, "src/main.ts");
    writeFileSync(main, `${readFileSync(main, "utf8")}// changed\n`);
    assert.match(setup(copy).stderr, /^setup: bundling \.\.\. [\d.]+ s\nsetup: ready/);
    assert.match(setup(copy, "--", "missing.ts").stderr, /Cannot find module/);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

function setup(copy: string, ...args: string[]): { status: number | null; stderr: string } {
  // No npm: what a copy lacks is a fault here, and nothing to fetch.
  const env = { ...process.env, npm_execpath: join(copy, "npm-cli.js") };
  const run = spawnSync(process.execPath, [join(copy, "scripts/setup.mjs"), ...args], { encoding: "utf8", env });
  return { status: run.status, stderr: run.stderr };
}
