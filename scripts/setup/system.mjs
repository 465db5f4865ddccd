// The system's packages, through apt: only those that bring what is missing.
import { spawnSync } from "node:child_process";
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fail, run, step, tools } from "./terminal.mjs";

const packages = JSON.parse(readFileSync(new URL("packages.json", import.meta.url), "utf8"));
const programs = join(tools, "bin");
/** A PATH may lack the folders for administrators; what the tests alone need is in ours. */
const folders = [
  ...(process.env.PATH || "").split(":"),
  "/usr/local/sbin",
  "/usr/sbin",
  "/sbin",
  "/usr/bin",
  "/bin",
  programs,
];
export const searchPath = [...new Set(folders.filter(Boolean))].join(":");

const env = {
  ...process.env,
  PATH: searchPath,
  DEBIAN_FRONTEND: "noninteractive",
  NEEDRESTART_SUSPEND: "1",
  LC_ALL: "C",
};
const options = [
  ...["-o", "DPkg::Lock::Timeout=300", "-o", "Dpkg::Options::=--force-confold"],
  ...["-o", "APT::Sandbox::User=root"],
];
const offline = "this needs the package mirror that /etc/apt names: is it reachable from here?";

export function installSystemPackages(forTests) {
  const wanted = { ...packages.run, ...packages.build, ...(forTests ? packages.test : {}) };
  const missing = Object.entries(wanted)
    .filter(([what]) => !isThere(what))
    .map(([, name]) => name);
  const unpacked = Object.entries(forTests ? packages.unpacked : {}).filter(([program]) => !find(program));
  // libFuzzer and the sanitizers of clang come in a package of their own.
  const fuzzer = forTests && !hasClangRuntime();
  if (missing.length === 0 && unpacked.length === 0 && !fuzzer) return;
  const all = [...missing, ...(fuzzer ? ["libclang-rt-dev"] : []), ...unpacked.map(([, names]) => names.join(" or "))];
  if (!find("apt-get")) fail(`missing: ${all.join(", ")}`, "only apt is known here: please install what provides them");
  if (process.getuid() !== 0)
    fail(`missing: ${all.join(", ")}`, "root is needed to install packages: please run this as root, or with sudo");
  step("reading the lists of system packages", () =>
    spawnSync("apt-get", [...options, "update", "-qq"], { env, stdio: "ignore" }),
  );
  const names = fuzzer ? [...missing, clangRuntimePackage()] : missing;
  if (names.length > 0)
    step(`installing system packages: ${names.join(" ")}`, () =>
      run("apt-get", [...options, "install", "-y", "-qq", "--no-install-recommends", ...names], { env, hint: offline }),
    );
  for (const [program, names] of unpacked) unpack(program, names);
  const still = Object.keys(wanted).filter((what) => !isThere(what));
  if (still.length > 0) fail(`still missing after the installation: ${still.join(", ")}`, `PATH is ${searchPath}`);
}

function isThere(what) {
  if (what.startsWith("/")) return existsSync(what);
  const path = find(what);
  return path !== undefined && (what !== "busybox" || isStatic(path));
}

function find(program) {
  return searchPath
    .split(":")
    .map((folder) => join(folder, program))
    .find(existsSync);
}

/** Containers have no libraries for a busybox that asks for some: one with an interpreter (ELF, `PT_INTERP`) does. */
function isStatic(path) {
  const elf = readFileSync(path);
  if (elf.length < 64 || elf[4] !== 2) return false;
  const [start, size, count] = [Number(elf.readBigUInt64LE(32)), elf.readUInt16LE(54), elf.readUInt16LE(56)];
  return !Array.from({ length: count }, (_, i) => elf.readUInt32LE(start + i * size)).includes(3);
}

/**
 * One program out of a package that is not installed: the docker client and the registry of the tests come with services,
 * which would start and change this machine.
 */
function unpack(program, names) {
  const name = names.find((each) =>
    /^Package:/m.test(spawnSync("apt-cache", ["show", each], { env, encoding: "utf8" }).stdout),
  );
  if (!name) fail(`no package brings ${program}: tried ${names.join(", ")}`, offline);
  step(`unpacking ${program} out of ${name}, for the tests`, () => {
    const folder = mkdtempSync(join(tmpdir(), "keelson-setup-"));
    try {
      run("apt-get", [...options, "download", "-qq", name], { env, cwd: folder, hint: offline });
      const file = readdirSync(folder).find((each) => each.endsWith(".deb"));
      run("dpkg-deb", ["-x", join(folder, file), join(folder, "root")], { env });
      mkdirSync(programs, { recursive: true });
      const target = join(programs, program);
      copyFileSync(join(folder, "root/usr/bin", program), `${target}.new`);
      chmodSync(`${target}.new`, 0o755);
      renameSync(`${target}.new`, target);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });
}

function hasClangRuntime() {
  return ["/usr/lib/clang", ...entries("/usr/lib", /^llvm-/).map((folder) => `${folder}/lib/clang`)].some((base) =>
    entries(base, /^\d/).some((version) => entries(`${version}/lib/linux`, /libclang_rt\.fuzzer-/).length > 0),
  );
}

/** The version of `clang` decides the runtime's package name, such as libclang-rt-14-dev. */
function clangRuntimePackage() {
  const depends = spawnSync("apt-cache", ["depends", "clang"], { env, encoding: "utf8" }).stdout;
  return `libclang-rt-${(/clang-(\d+)/.exec(depends) || [])[1] || "14"}-dev`;
}

function entries(folder, pattern) {
  if (!existsSync(folder)) return [];
  return readdirSync(folder)
    .filter((name) => pattern.test(name))
    .map((name) => join(folder, name));
}
