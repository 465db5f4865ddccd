/**
 * `npm run demo`: a daemon on roots of its own, a web server in a container, a page through its published port. Takes
 * everything away again, also after a failure or an interrupt.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statfsSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as later } from "node:timers/promises";

const keelson = join(import.meta.dirname, "../bin/keelson");
const page = "<h1>Hello from a container</h1>";
const hint = `The demo needs root with real namespaces and mounts (inside another container: a privileged one), overlayfs and
nftables in the kernel, and a temporary folder on a real file system; TMPDIR names another one.`;
const forwarding = "/proc/sys/net/ipv4/ip_forward";
const overlayMagic = 0x794c7630;

if (process.getuid?.() !== 0) {
  process.stderr.write("demo: namespaces and mounts need root: sudo npm run demo\n");
  process.exit(1);
}

// Names of this run's own: an earlier demo that was killed is in nobody's way.
const bridge = `kdemo${process.pid}`;
const dir = mkdtempSync(join(roomForLayers(), "keelson-demo-"));
const socket = join(dir, "keelson.sock");
const forwardingBefore = readFileSync(forwarding, "utf8");
const interrupt = new AbortController();
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, () => interrupt.abort());

let daemon: ChildProcess | undefined;
let daemonLog = "";
try {
  await show();
} catch (error) {
  process.exitCode = interrupt.signal.aborted ? 130 : 1;
  if (interrupt.signal.aborted) say("interrupted");
  else explain(error);
} finally {
  await cleanUp();
  process.exit();
}

async function show(): Promise<void> {
  say(`A daemon of its own, on unix://${socket}`);
  await startDaemon();

  say("The embedded base image, made of this machine's static busybox");
  await cli("pull", "keelson/base");
  await cli("images");

  say("A web server in a container, with a published port");
  const serve = `mkdir /www; echo "${page}" > /www/index.html; exec httpd -f -v -p 80 -h /www`;
  const first = await timed(() => cli("run", "-d", "--name", "web", "-p", "80", "keelson/base", "sh", "-c", serve));
  await cli("ps");

  say("The network that it is on");
  await cli("network", "inspect", "bridge");

  const port = /:(\d+)/.exec(await cli("port", "web", "80"))?.[1];
  if (port === undefined) throw new Error("the port was not published");
  const url = `http://127.0.0.1:${port}/`;
  say(`Its page, from ${url}`);
  const body = await fetchPage(url);
  process.stdout.write(body);
  if (!body.includes(page)) throw new Error("the page is not the container's");
  await cli("logs", "web");

  say("How long a start takes, that of the command line included");
  const times: number[] = [];
  await cli("run", "--rm", "keelson/base", "true");
  for (let i = 0; i < 7; i++) {
    interrupt.signal.throwIfAborted();
    times.push(await timed(() => capture(["run", "--rm", "keelson/base", "true"])));
  }
  const median = times.sort((a, b) => a - b)[3]!;
  process.stdout.write(`the web server, the very first:  ${first.toFixed(0)} ms\n`);
  process.stdout.write(`that one, median of 7 more:      ${median.toFixed(0)} ms\n`);
}

async function startDaemon(): Promise<void> {
  const roots = ["--data-root", join(dir, "data"), "--exec-root", join(dir, "run")];
  const args = ["daemon", "-H", `unix://${socket}`, "--bridge", bridge, "--log-level", "warn", ...roots];
  // In a session of its own: a terminal's interrupt is for the demo, which still needs the daemon to clean up.
  const child = spawn(keelson, args, { stdio: ["ignore", "ignore", "pipe"], detached: true });
  daemon = child;
  child.stderr.on("data", (chunk: Buffer) => {
    daemonLog += chunk.toString();
  });
  child.on("error", (error) => {
    daemonLog += `${error.message}\n`;
  });
  const deadline = performance.now() + 30_000;
  while ((await capture(["version"])).code !== 0) {
    if (!runs(child)) throw new Error("the daemon ended");
    if (performance.now() > deadline) throw new Error("the daemon did not answer in 30 seconds");
    await later(20);
  }
}

/** Takes away the container, the daemon, its bridge, its table, its files, and says so. */
async function cleanUp(): Promise<void> {
  if (daemon) {
    // A daemon that died has left its containers running: the next one finds them.
    if (!runs(daemon)) await startDaemon().catch(() => {});
    const left = (await capture(["ps", "-aq"])).stdout.split("\n").filter(Boolean);
    if (left.length > 0) await capture(["rm", "-f", ...left]);
    await stop(daemon);
  }
  await capture(["link", "del", bridge], "ip");
  await capture(["delete", "table", "inet", `keelson-${bridge}`], "nft");
  if (readFileSync(forwarding, "utf8") !== forwardingBefore) writeFileSync(forwarding, forwardingBefore);
  try {
    rmSync(dir, { recursive: true, force: true, maxRetries: 5, retryDelay: 50 });
  } catch (error) {
    process.stderr.write(`demo: ${error instanceof Error ? error.message : String(error)}\n`);
  }
  const left = remains();
  for (const line of left) process.stderr.write(`demo: left behind: ${line}\n`);
  if (left.length > 0) process.exitCode = 1;
  else say("Cleaned up: nothing is left");
}

async function stop(child: ChildProcess): Promise<void> {
  if (!runs(child)) return;
  const exited = once(child, "exit");
  child.kill("SIGTERM");
  const timer = setTimeout(() => child.kill("SIGKILL"), 10_000);
  await exited;
  clearTimeout(timer);
}

function runs(child: ChildProcess): boolean {
  return child.pid !== undefined && child.exitCode === null && child.signalCode === null;
}

/** What there still is of this run: files, mounts, processes and the bridge. */
function remains(): string[] {
  const processes = readdirSync("/proc").filter((name) => /^\d+$/.test(name) && name !== String(process.pid));
  return [
    ...(existsSync(dir) ? [`the folder ${dir}`] : []),
    ...(existsSync(`/sys/class/net/${bridge}`) ? [`the link ${bridge}`] : []),
    ...readFileSync("/proc/self/mounts", "utf8")
      .split("\n")
      .filter((line) => line.includes(dir)),
    ...processes.filter((pid) => commandLine(pid).includes(dir)).map((pid) => `process ${pid}: ${commandLine(pid)}`),
  ];
}

function commandLine(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ");
  } catch {
    return "";
  }
}

function explain(error: unknown): void {
  process.stderr.write(`\ndemo: ${error instanceof Error ? error.message : String(error)}\n`);
  if (daemonLog !== "") process.stderr.write(`demo: the daemon said:\n${daemonLog}`);
  process.stderr.write(`\n${hint}\n`);
}

/** Runs our command line as a user would, shows it with what it printed, and returns that. */
async function cli(...args: string[]): Promise<string> {
  interrupt.signal.throwIfAborted();
  process.stdout.write(`${bold(`$ keelson ${args.map(quoted).join(" ")}`)}\n`);
  const { stdout, stderr, code } = await capture(args);
  process.stdout.write(stdout);
  if (code !== 0) throw new Error(`keelson ${args[0]} ended with ${code}: ${stderr.trim()}`);
  process.stdout.write(stderr);
  return stdout;
}

async function capture(args: readonly string[], program = keelson) {
  const output = { stdout: "", stderr: "", code: -1 };
  const env = { ...process.env, KEELSON_HOST: `unix://${socket}` };
  // Detached, as a terminal's interrupt must not end what cleans up: it is heeded between two commands.
  const child = spawn(program, args, { env, stdio: ["ignore", "pipe", "pipe"], detached: true, timeout: 60_000 });
  for (const name of ["stdout", "stderr"] as const)
    child[name].on("data", (chunk: Buffer) => {
      output[name] += chunk.toString();
    });
  output.code = await new Promise((resolve) => {
    child.on("error", () => resolve(-1));
    child.on("close", (code) => resolve(code ?? -1));
  });
  return output;
}

/** The web server may need a moment after its start. */
async function fetchPage(url: string): Promise<string> {
  for (let attempt = 0; ; attempt++) {
    interrupt.signal.throwIfAborted();
    try {
      return await (await fetch(url, { signal: AbortSignal.timeout(5000) })).text();
    } catch (error) {
      if (attempt === 100) throw error;
      await later(20);
    }
  }
}

async function timed(act: () => Promise<unknown>): Promise<number> {
  const start = performance.now();
  await act();
  return performance.now() - start;
}

/** A temporary folder for layers: overlayfs takes no writable layer that lies on an overlay, as `/tmp` in a container does. */
function roomForLayers(): string {
  const folders = [tmpdir(), "/var/tmp", "/dev/shm", "/run"].filter(existsSync);
  return folders.find((folder) => statfsSync(folder).type !== overlayMagic) ?? tmpdir();
}

function say(text: string): void {
  process.stdout.write(`\n${bold(`# ${text}`)}\n`);
}

function bold(text: string): string {
  return process.stdout.isTTY ? `\x1b[1m${text}\x1b[0m` : text;
}

function quoted(argument: string): string {
  return /[^\w./:=-]/.test(argument) ? `'${argument.replaceAll("'", "'\\''")}'` : argument;
}
