// What is fetched and made inside the checkout, each kept until what it was made from changes.
import { createHash } from "node:crypto";
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  statSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { basename, join, relative } from "node:path";
import { searchPath } from "./system.mjs";
import { root, run, step, tools } from "./terminal.mjs";

const nodeMajor = 24;
const nodeVersion = "24.21.0";
const stampFile = join(tools, "setup.json");
const env = { ...process.env, PATH: searchPath };
const npmHint =
  process.getuid() === 0
    ? "this needs the npm registry: is it reachable from here? (npm ping)"
    : "is the npm registry reachable (npm ping), and may this user write here?";

/** This Node where it is new enough, else one from the npm registry, kept below `.tools`. */
export function pickNode() {
  if (Number(process.versions.node.split(".")[0]) >= nodeMajor) return process.execPath;
  const name = `node-linux-${process.arch}`;
  const folder = join(tools, "node");
  const binary = join(folder, "node_modules", name, "bin/node");
  keep("node", nodeVersion, binary, `fetching Node ${nodeVersion}`, () => {
    mkdirSync(folder, { recursive: true });
    npm(["install", "--prefix", folder, "--no-save", "--ignore-scripts", `${name}@${nodeVersion}`]);
    run(binary, ["--version"], { hint: `please install Node ${nodeMajor} or newer: this build does not run here` });
  });
  return binary;
}

export function installNodePackages() {
  const key = digest([join(root, "package-lock.json")]);
  keep("packages", key, join(root, "node_modules/.package-lock.json"), "installing npm packages", () =>
    // Not `npm ci`: npm 11 refuses a lock file without the entries of platforms that nobody here has; what the lock file
    // has is taken as it says. The native packages bring prebuilt binaries: none of their install scripts is needed.
    npm(["install", "--no-save", "--ignore-scripts", "--include=dev", "--include=optional"]),
  );
}

export function buildShim() {
  const folder = join(root, "native/shim");
  const key = digest(filesBelow(folder).filter((file) => /\.(c|h)$|Makefile$/.test(file)));
  keep("shim", key, join(folder, "build/keelson-shim"), "building the shim", () =>
    run("make", ["-s", "-C", folder], { env }),
  );
}

export function buildBundle(node) {
  const sources = filesBelow(join(root, "src")).filter((file) => !file.includes(".test."));
  const key = digest([
    ...sources,
    ...["scripts/build.ts", "scripts/compiled-code.ts", "package-lock.json", "native/shim/build/keelson-shim"].map(
      (file) => join(root, file),
    ),
  ]);
  const main = join(root, "dist/main.js");
  const fresh = keep("bundle", key, main, "bundling", () =>
    run(node, ["--disable-warning=ExperimentalWarning", "scripts/build.ts"], { env }),
  );
  // A checkout gives old contents new times: bin/keelson goes by times, and this one is known to be the newest.
  if (!fresh && mayWrite(main)) utimesSync(main, new Date(), new Date());
}

function mayWrite(path) {
  return process.getuid() === 0 || process.getuid() === statSync(path).uid;
}

function npm(args) {
  // The npm that started us may be on no PATH.
  const path = process.env.npm_execpath || "";
  const [command, ...first] = basename(path) === "npm-cli.js" ? [process.execPath, path] : ["npm"];
  // npm's own patience without a network is some minutes.
  const retries = [
    "--prefer-offline",
    "--fetch-retries=2",
    "--fetch-retry-mintimeout=1000",
    "--fetch-retry-maxtimeout=4000",
  ];
  run(command, [...first, ...args, ...retries, "--no-audit", "--no-fund", "--loglevel=error"], { env, hint: npmHint });
}

/** Makes a thing where it is missing or was made from something else; true where it made it. Each step is kept at once. */
function keep(name, key, path, text, make) {
  const stamp = readStamp();
  if (stamp[name] === key && existsSync(path)) return false;
  step(text, make);
  mkdirSync(tools, { recursive: true });
  writeFileSync(`${stampFile}.new`, `${JSON.stringify({ ...stamp, [name]: key }, null, 2)}\n`);
  renameSync(`${stampFile}.new`, stampFile);
  return true;
}

function readStamp() {
  try {
    return JSON.parse(readFileSync(stampFile, "utf8"));
  } catch {
    return {};
  }
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
function digest(files) {
  const sum = createHash("sha256");
  for (const file of files) {
    if (!existsSync(file) || !statSync(file).isFile()) continue;
    sum.update(`${relative(root, file)}\0`).update(readFileSync(file));
  }
  return sum.digest("hex");
}
