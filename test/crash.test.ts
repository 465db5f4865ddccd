/**
 * SIGKILL to the daemon in the middle of everything, again and again, then a new daemon: nothing that ran may notice, and
 * nothing may be left behind. KEELSON_CRASH_ROUNDS sets how often (hundreds for a thorough run).
 */
import assert from "node:assert/strict";
import { randomInt } from "node:crypto";
import { readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { setTimeout as later } from "node:timers/promises";
import { dockerArchive } from "./archive.ts";
import { importBusybox } from "./busybox.ts";
import { callApi } from "./compat/target.ts";
import { TestHost } from "./host.ts";
import { poll } from "./poll.ts";
import { returnsTo, stateOf } from "./state.ts";

const rounds = Number(process.env["KEELSON_CRASH_ROUNDS"] ?? 18);
/** The latest moment of a kill after the request, in milliseconds: later than any of the requests takes. */
const latest = 60;

let host: TestHost;
let archive: Buffer;

before(async () => {
  host = await TestHost.make();
  await host.start();
  archive = dockerArchive("crash:load");
  await importBusybox(host);
  await startRegistry();
  const tick = "i=0; while true; do i=$((i+1)); echo tick $i; usleep 5000; done";
  await docker("run", "-d", "--name", "ticker", "busybox", "sh", "-c", tick);
  const serve = "mkdir -p /www; echo page > /www/index.html; exec httpd -f -p 80 -h /www";
  await docker("run", "-d", "--name", "web", "-p", "18080:80", "busybox", "sh", "-c", serve);
});
after(() => host?.[Symbol.asyncDispose]());

async function docker(...args: string[]): Promise<string> {
  const out = await host.docker(args);
  assert.equal(out.code, 0, `docker ${args.join(" ")}: ${out.stderr}\n${host.log}`);
  return out.stdout.trim();
}

/** Debian's registry inside the host, with an image in it. */
async function startRegistry(): Promise<void> {
  const config = join(host.dir, "registry.yml");
  const store = join(host.dir, "registry");
  await writeFile(
    config,
    `version: 0.1\nstorage: {filesystem: {rootdirectory: ${store}}}\nhttp: {addr: "127.0.0.1:5000"}\n`,
  );
  host.spawn("docker-registry", ["serve", config], { stdio: "ignore" });
  await poll(
    "the registry answers",
    async () => (await host.exec("curl", ["-fsS", "http://127.0.0.1:5000/v2/"])).code === 0,
  );
  const file = join(host.dir, "pull.tar");
  await writeFile(file, dockerArchive("crash:pull"));
  const copy = ["copy", "--dest-tls-verify=false", `docker-archive:${file}`, "docker://127.0.0.1:5000/crash:pull"];
  const pushed = await host.exec("skopeo", ["--insecure-policy", ...copy]);
  assert.equal(pushed.code, 0, pushed.stderr);
}

const api = (method: string, path: string, body?: unknown) => callApi(host.socket, method, `/v1.51${path}`, body);
const sleeper = { Image: "busybox", Cmd: ["sleep", "100000"] };

/** What is under way when the daemon is killed. Each readies itself first, and returns the request to be cut short. */
const operations: Readonly<Record<string, () => Promise<() => Promise<unknown>>>> = {
  create: async () => () => api("POST", "/containers/create?name=victim", { ...sleeper, Volumes: { "/data": {} } }),
  start: async () => {
    await api("POST", "/containers/create?name=victim", {
      ...sleeper,
      HostConfig: { PortBindings: { "80/tcp": [{}] } },
    });
    return () => api("POST", "/containers/victim/start");
  },
  exec: async () => {
    const { json } = await api("POST", "/containers/ticker/exec", { Cmd: ["sleep", "0.05"] });
    return () => api("POST", `/exec/${json.Id}/start`, { Detach: true });
  },
  pull: async () => () => api("POST", "/images/create?fromImage=127.0.0.1:5000/crash&tag=pull"),
  load: async () => () => api("POST", "/images/load", archive),
  rm: async () => {
    await api("POST", "/containers/create?name=victim", sleeper);
    await api("POST", "/containers/victim/start");
    return () => api("DELETE", "/containers/victim?force=1&v=1");
  },
};

test(`${rounds} kills in the midst of ${Object.keys(operations).join(", ")} harm nothing`, async (t) => {
  const clean = await stateOf(host);
  const pid = await docker("inspect", "-f", "{{.State.Pid}}", "ticker");
  const names = Object.keys(operations);
  for (let round = 0; round < rounds; round++) {
    const name = names[round % names.length]!;
    const delay = randomInt(latest);
    const what = `round ${round}: ${name}, killed after ${delay} ms`;
    const request = await operations[name]!();
    const code = String(10 + (round % 50));
    const short = await docker("run", "-d", "busybox", "sh", "-c", `usleep ${randomInt(300_000)}; exit ${code}`);
    const cut = request().catch(() => {});
    await later(delay);
    await host.stop("SIGKILL");
    await cut;
    if (round % 2 === 0) await poll("the short one ends unseen", () => hasEnded(short));
    await host.start();
    assert.equal(await docker("inspect", "-f", "{{.State.Pid}} {{.State.Status}}", "ticker"), `${pid} running`, what);
    const page = await host.exec("curl", ["-fsS", "--max-time", "5", "http://127.0.0.1:18080/"]);
    assert.equal(page.stdout, "page\n", `${what}: ${page.stderr}`);
    assert.equal(await docker("wait", short), code, what);
    await docker("rm", short);
    await cleanUp();
    await returnsTo(host, clean, `${what}\n${host.log.slice(-4000)}`);
  }
  await checkTicks();
  t.diagnostic(`${rounds} rounds`);
});

async function hasEnded(id: string): Promise<boolean> {
  const files = await readdir(join(`/proc/${host.holder.pid}/root`, host.dir, "run/containers", id)).catch(
    (): string[] => [],
  );
  return files.includes("exit") || files.length === 0;
}

/** Takes away what the cut request may have made. */
async function cleanUp(): Promise<void> {
  await host.docker(["rm", "-fv", "victim"]);
  await host.docker(["rmi", "crash:load", "127.0.0.1:5000/crash:pull"]);
}

/** Every tick of the one that ran through all of it is in its log, once. */
async function checkTicks(): Promise<void> {
  const { stdout } = await host.docker(["logs", "ticker"]);
  const ticks = stdout.split("\n").filter(Boolean);
  assert.ok(ticks.length > rounds, `only ${ticks.length} ticks`);
  ticks.forEach((line, index) => {
    assert.equal(line, `tick ${index + 1}`);
  });
}
