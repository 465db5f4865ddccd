/** `npm run demo`: a daemon on roots of its own, a web server in a container, a page through its published port. */
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as later } from "node:timers/promises";

const keelson = join(import.meta.dirname, "../bin/keelson");
const dir = mkdtempSync(join(tmpdir(), "keelson-demo-"));
const host = `unix://${join(dir, "keelson.sock")}`;

if (process.getuid?.() !== 0) {
  process.stderr.write("demo: namespaces and mounts need root: sudo npm run demo\n");
  process.exit(1);
}

say(`a daemon of its own, on ${host}`);
const daemon = spawn(
  keelson,
  [
    ...["daemon", "-H", host, "--bridge", "keelson-demo", "--log-level", "warn"],
    ...["--data-root", join(dir, "data"), "--exec-root", join(dir, "run")],
  ],
  { stdio: ["ignore", "inherit", "inherit"] },
);
let code = 1;
try {
  await ready(daemon);
  await show();
  code = 0;
} catch (error) {
  process.stderr.write(`demo: ${error instanceof Error ? error.message : String(error)}\n`);
} finally {
  await cleanUp(daemon);
}
process.exitCode = code;

async function show(): Promise<void> {
  say("the embedded base image, made from this machine's static busybox");
  cli("pull", "keelson/base");
  cli("images");

  say("a web server in a container, with a published port");
  const page = "<h1>Hello from a container</h1>";
  const serve = `mkdir -p /www && echo '${page}' > /www/index.html && exec httpd -f -v -p 80 -h /www`;
  const started = performance.now();
  cli("run", "-d", "--name", "web", "-p", "80", "keelson/base", "sh", "-c", serve);
  const took = performance.now() - started;
  const port = /:(\d+)/.exec(cli("port", "web", "80"))?.[1];
  if (port === undefined) throw new Error("the port was not published");

  say(`its page, from http://127.0.0.1:${port}/`);
  const body = await fetchPage(Number(port));
  process.stdout.write(body);
  if (!body.includes(page)) throw new Error("the page is not the container's");

  cli("ps");
  cli("logs", "web");
  cli("network", "inspect", "bridge");
  say(`\`keelson run -d\` took ${took.toFixed(0)} ms, the start of the command line included`);
}

async function cleanUp(child: ChildProcess): Promise<void> {
  say("cleaning up");
  spawnSync(keelson, ["rm", "-f", "web"], { env: { ...process.env, KEELSON_HOST: host }, stdio: "ignore" });
  if (child.exitCode === null) {
    const exited = once(child, "exit");
    child.kill("SIGTERM");
    await exited;
  }
  spawnSync("ip", ["link", "del", "keelson-demo"], { stdio: "ignore" });
  spawnSync("nft", ["delete", "table", "inet", "keelson-keelson-demo"], { stdio: "ignore" });
  rmSync(dir, { recursive: true, force: true });
}

/** Runs our command line as a user would, shows it, and returns what it printed. */
function cli(...args: string[]): string {
  process.stdout.write(`\n$ keelson ${args.map((arg) => (/[^\w./:=-]/.test(arg) ? `'${arg}'` : arg)).join(" ")}\n`);
  const result = spawnSync(keelson, args, { encoding: "utf8", env: { ...process.env, KEELSON_HOST: host } });
  process.stdout.write(result.stdout);
  if (result.status !== 0) throw new Error(`keelson ${args[0]} failed: ${result.stderr}`);
  process.stdout.write(result.stderr);
  return result.stdout;
}

function say(text: string): void {
  process.stdout.write(`\n# ${text}\n`);
}

async function ready(child: ChildProcess): Promise<void> {
  const socket = host.slice("unix://".length);
  while (!existsSync(socket)) {
    if (child.exitCode !== null) throw new Error("the daemon did not start");
    await later(10);
  }
}

/** The web server may need a moment after its start. */
async function fetchPage(port: number): Promise<string> {
  for (let attempt = 0; ; attempt++) {
    try {
      return await get(port);
    } catch (error) {
      if (attempt === 100) throw error;
      await later(20);
    }
  }
}

function get(port: number): Promise<string> {
  return new Promise((resolve, reject) => {
    request({ host: "127.0.0.1", port, path: "/", agent: false }, (response) => {
      const chunks: Buffer[] = [];
      response.on("data", (chunk: Buffer) => chunks.push(chunk));
      response.on("error", reject);
      response.on("end", () => resolve(Buffer.concat(chunks).toString()));
    })
      .on("error", reject)
      .end();
  });
}
