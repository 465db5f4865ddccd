// Readies a fresh machine: system packages, npm packages, Node 24, the shim and the bundle. Runs on any Node from 18 on,
// does only what is missing, and then runs the script named after `--` with the right Node:
//
//   node scripts/setup.mjs [--quiet] [-- SCRIPT [ARG...]]
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const tools = join(root, ".tools");
const stampFile = join(tools, "setup.json");
const nodeMajor = 24;
const nodeVersion = "24.21.0";

/** Programs that the engine runs or is built with, and the Debian and Ubuntu packages that bring them. */
const programs = {
  crun: "crun",
  runc: "runc",
  nft: "nftables",
  ip: "iproute2",
  busybox: "busybox-static",
  ps: "procps",
  gcc: "gcc",
  make: "make",
};
/** What only the tests need: real registries and clients to be tried against. */
const testPrograms = {
  skopeo: "skopeo",
  "docker-registry": "docker-registry",
  docker: "docker.io",
  curl: "curl",
  script: "bsdutils",
  openssl: "openssl",
  zstd: "zstd",
  clang: "clang",
};
const headers = { "/usr/include/stdlib.h": "libc6-dev" };
const testFiles = { "/usr/lib/python3/dist-packages/docker": "python3-docker" };

const [own, rest] = splitArguments(process.argv.slice(2));
const quiet = own.includes("--quiet");
const forTests = rest.some((argument) => argument.startsWith("test/"));

const stamp = readStamp();
installSystemPackages();
installNodePackages();
const node = pickNode();
buildShim();
buildBundle();
writeStamp();
if (rest.length > 0) {
  const run = spawnSync(node, ["--disable-warning=ExperimentalWarning", ...rest], { cwd: root, stdio: "inherit" });
  if (run.error) fail(run.error.message);
  process.exit(run.status ?? 1);
} else say("ready: bin/keelson --help");

function splitArguments(all) {
  const dashes = all.indexOf("--");
  return dashes < 0 ? [all, []] : [all.slice(0, dashes), all.slice(dashes + 1)];
}

function say(text) {
  if (!quiet) process.stderr.write(`setup: ${text}\n`);
}

function fail(text) {
  process.stderr.write(`setup: ${text}\n`);
  process.exit(1);
}

function run(command, args, options = {}) {
  const result = spawnSync(command, args, { cwd: root, encoding: "utf8", maxBuffer: 1 << 26, ...options });
  if (result.error) fail(`${command}: ${result.error.message}`);
  if (result.status !== 0)
    fail(`${command} ${args.join(" ")} failed:\n${(result.stderr + result.stdout).split("\n").slice(-25).join("\n")}`);
  return result.stdout;
}

function onPath(program) {
  const folders = `${process.env.PATH ?? ""}:/usr/sbin:/sbin:/usr/local/sbin`.split(":");
  return folders.some((folder) => folder !== "" && existsSync(join(folder, program)));
}

function installSystemPackages() {
  const wanted = { ...programs, ...(forTests ? testPrograms : {}) };
  const missing = [
    ...Object.entries(wanted).filter(([program]) => !onPath(program)),
    ...Object.entries({ ...headers, ...(forTests ? testFiles : {}) }).filter(([path]) => !existsSync(path)),
  ].map(([, name]) => name);
  // libFuzzer and the sanitizers of clang come in a package of their own.
  if (forTests && !hasClangRuntime()) missing.push("libclang-rt-dev");
  if (missing.length === 0) return;
  if (!onPath("apt-get")) fail(`please install what provides: ${missing.join(" ")} (only apt is known here)`);
  if (process.getuid() !== 0) fail(`root is needed to install: ${missing.join(" ")}`);
  const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive" };
  say(`installing system packages: ${missing.join(" ")}`);
  run("apt-get", ["update", "-qq"], { env });
  const names = missing.map((name) => (name === "libclang-rt-dev" ? clangRuntimePackage() : name));
  run("apt-get", ["install", "-y", "-qq", "--no-install-recommends", ...names], { env });
}

function hasClangRuntime() {
  if (!existsSync("/usr/lib")) return false;
  return ["/usr/lib/clang", ...glob("/usr/lib", /^llvm-/).map((folder) => `${folder}/lib/clang`)].some((base) =>
    glob(base, /^\d/).some((version) => glob(`${version}/lib/linux`, /libclang_rt\.fuzzer-/).length > 0),
  );
}

/** The version of `clang` decides the runtime's package name, such as libclang-rt-14-dev. */
function clangRuntimePackage() {
  const depends = spawnSync("apt-cache", ["depends", "clang"], { encoding: "utf8" }).stdout ?? "";
  return `libclang-rt-${/clang-(\d+)/.exec(depends)?.[1] ?? "14"}-dev`;
}

function glob(folder, pattern) {
  if (!existsSync(folder)) return [];
  return readdirSync(folder)
    .filter((name) => pattern.test(name))
    .map((name) => join(folder, name));
}

function installNodePackages() {
  const key = hash([join(root, "package-lock.json")]);
  if (stamp.packages === key && existsSync(join(root, "node_modules/koffi"))) return;
  say("installing npm packages");
  // The native packages bring prebuilt binaries; none of their install scripts is needed.
  run("npm", ["ci", "--ignore-scripts", "--no-audit", "--no-fund"]);
  stamp.packages = key;
}

/** This Node where it is new enough, else one from the npm registry, kept under .tools/node. */
function pickNode() {
  if (Number(process.versions.node.split(".")[0]) >= nodeMajor) return process.execPath;
  const name = `node-linux-${process.arch}`;
  const binary = join(tools, "node/node_modules", name, "bin/node");
  if (!existsSync(binary)) {
    say(`fetching Node ${nodeVersion}`);
    mkdirSync(join(tools, "node"), { recursive: true });
    run("npm", [
      "install",
      "--prefix",
      join(tools, "node"),
      "--no-save",
      "--no-audit",
      "--no-fund",
      `${name}@${nodeVersion}`,
    ]);
  }
  return binary;
}

function buildShim() {
  const folder = join(root, "native/shim");
  const key = hash(filesBelow(folder).filter((file) => /\.(c|h)$|Makefile$/.test(file)));
  if (stamp.shim === key && existsSync(join(folder, "build/keelson-shim"))) return;
  say("building the shim");
  run("make", ["-s", "-C", folder]);
  stamp.shim = key;
}

function buildBundle() {
  const key = hash([
    ...filesBelow(join(root, "src")).filter((file) => !file.includes(".test.")),
    join(root, "scripts/build.ts"),
  ]);
  if (stamp.bundle === key && existsSync(join(root, "dist/main.js"))) return;
  say("bundling");
  run(node, ["--disable-warning=ExperimentalWarning", "scripts/build.ts"]);
  stamp.bundle = key;
}

function filesBelow(folder) {
  return readdirSync(folder, { withFileTypes: true })
    .flatMap((entry) => {
      const path = join(folder, entry.name);
      if (!entry.isDirectory()) return entry.isFile() ? [path] : [];
      return entry.name === "build" ? [] : filesBelow(path);
    })
    .sort();
}

/** A digest over names and contents; modification times would rebuild after every checkout. */
function hash(files) {
  const sum = createHash("sha256");
  for (const file of files) {
    if (!existsSync(file) || !statSync(file).isFile()) continue;
    sum.update(`${relative(root, file)}\0`).update(readFileSync(file));
  }
  return sum.digest("hex");
}

function readStamp() {
  try {
    return JSON.parse(readFileSync(stampFile, "utf8"));
  } catch {
    return {};
  }
}

function writeStamp() {
  mkdirSync(tools, { recursive: true });
  writeFileSync(stampFile, `${JSON.stringify(stamp, null, 2)}\n`);
}
