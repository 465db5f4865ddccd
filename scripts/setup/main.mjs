// System packages, npm packages, Node 24, the shim and the bundle: only what is missing. Runs on any Node from 18 on.
import { spawn, spawnSync } from "node:child_process";
import { closeSync, existsSync, mkdirSync, openSync } from "node:fs";
import { constants } from "node:os";
import { join } from "node:path";
import { buildBundle, buildShim, installNodePackages, pickNode } from "./made.mjs";
import { installSystemPackages, searchPath } from "./system.mjs";
import { beQuiet, fail, root, say, tools } from "./terminal.mjs";

const [own, script] = splitArguments(process.argv.slice(2));
if (own.includes("--quiet")) beQuiet();
if (process.platform !== "linux") fail(`Keelson runs on Linux; this is ${process.platform}`);
const forTests = script.some((argument) => argument.startsWith("test/"));

const node = locked(() => {
  installSystemPackages(forTests);
  const picked = pickNode();
  installNodePackages();
  buildShim();
  // `npm run build` is about to do this.
  if (script[0] !== "scripts/build.ts") buildBundle(picked);
  return picked;
});
if (script.length > 0) hand(node, script);
else say("ready: bin/keelson --help");

function splitArguments(all) {
  const dashes = all.indexOf("--");
  return dashes < 0 ? [all, []] : [all.slice(0, dashes), all.slice(dashes + 1)];
}

/** One setup at a time: flock(1) locks our open file, and the kernel lets go of it with us. */
function locked(act) {
  const fd = openLock(join(tools, "setup.lock"));
  const lock = (...flags) => spawnSync("flock", [...flags, "3"], { stdio: ["ignore", "ignore", "inherit", fd] });
  if (lock("--nonblock").status === 1) {
    say("waiting for another setup");
    lock();
  }
  const result = act();
  closeSync(fd);
  return result;
}

/** Where root did the set-up, others can still lock the file, and use what is there. */
function openLock(path) {
  try {
    mkdirSync(tools, { recursive: true });
    return openSync(path, existsSync(path) && process.getuid() !== 0 ? "r" : "a");
  } catch (error) {
    fail(error.message, "this user may not write here: please run this as the checkout's owner, or as root");
  }
}

/** Runs the script in our place: its end is ours, and a signal to us is for it. */
function hand(command, args) {
  const child = spawn(command, ["--disable-warning=ExperimentalWarning", ...args], {
    cwd: root,
    stdio: "inherit",
    env: { ...process.env, PATH: searchPath },
  });
  // A terminal sends its interrupt to the script as well.
  process.on("SIGINT", () => {});
  for (const signal of ["SIGTERM", "SIGHUP"]) process.on(signal, () => child.kill(signal));
  child.on("error", (error) => fail(error.message));
  child.on("exit", (code, signal) => process.exit(signal ? 128 + constants.signals[signal] : code));
}
