import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { parseFlags } from "./flags.ts";
import { clientOptions, globalFlags, normalizeHost } from "./globals.ts";
import { startFakeEngine } from "./testing/fake-engine.ts";
import { engine } from "./testing/fixtures.ts";
import { runKeelson, runMain } from "./testing/run-clients.ts";

test("the host is the flag's, KEELSON_HOST's, DOCKER_HOST's, or the default", () => {
  const hostOf = (words: string[], environ: NodeJS.ProcessEnv) =>
    clientOptions(parseFlags(globalFlags, words).flags, environ).host;
  const both = { KEELSON_HOST: "unix:///k", DOCKER_HOST: "unix:///d" };
  assert.equal(hostOf(["-H", "tcp://h:1"], both), "tcp://h:1");
  assert.equal(hostOf([], both), "unix:///k");
  assert.equal(hostOf([], { DOCKER_HOST: "unix:///d" }), "unix:///d");
  assert.equal(hostOf([], {}), "unix:///run/keelson/keelson.sock");
  assert.equal(normalizeHost("h:2375"), "tcp://h:2375");
  assert.equal(normalizeHost("/run/x.sock"), "unix:///run/x.sock");
});

test("an engine that is not there is told of as Docker's client does", async () => {
  const { stderr, code } = await runMain(["-H", "unix:///nonexistent.sock", "ps"]);
  assert.equal(
    stderr,
    "Cannot connect to the Docker daemon at unix:///nonexistent.sock. Is the docker daemon running?\n",
  );
  assert.equal(code, 1);
});

test("a prune asks first, and does nothing without a yes", async () => {
  const changes = async (answer: string): Promise<number> =>
    (await runKeelson(["container", "prune"], engine, answer)).seen.filter(({ line }) => line.startsWith("POST"))
      .length;
  assert.equal(await changes("n\n"), 0);
  assert.equal(await changes(""), 0);
  assert.equal(await changes("y\n"), 1);
});

test("a container's ID goes into the file of --cidfile, which must be new", async (t) => {
  const folder = mkdtempSync(join(tmpdir(), "keelson-cid-"));
  t.after(() => rmSync(folder, { recursive: true }));
  const path = join(folder, "id");
  assert.equal((await runKeelson(["create", "--cidfile", path, "x"], engine)).code, 0);
  const second = await runKeelson(["create", "--cidfile", path, "x"], engine);
  assert.equal(
    second.stderr,
    `container ID file found, make sure the other container isn't running or delete ${path}\n`,
  );
  assert.equal(second.code, 1);
  assert.deepEqual(second.seen, []);
});

test("an image that is missing is pulled, and the container made then", async () => {
  let asked = 0;
  const answers = new Proxy(engine, {
    get: (target, line: string) => (line === "POST /containers/create" && asked++ === 0 ? undefined : target[line]),
  });
  const { seen, stderr, stdout, code } = await runKeelson(["create", "x:1"], {
    ...engine,
    "POST /containers/create": undefined,
  });
  assert.equal(code, 1);
  assert.equal(stdout, "");
  assert.match(stderr, /No such container: create/);
  assert.equal(seen.length, 1);
  const again = await runKeelson(["create", "--pull", "always", "x:1"], answers);
  assert.deepEqual(
    again.seen.map(({ line }) => line),
    ["POST /images/create", "POST /containers/create"],
  );
  assert.match(again.stderr, /^1\.27: Pulling from library\/nginx\n/);
});

test("a reader that goes away ends the program without a word", async (t) => {
  const folder = mkdtempSync(join(tmpdir(), "keelson-pipe-"));
  t.after(() => rmSync(folder, { recursive: true }));
  const script = join(folder, "long.mjs");
  const source = new URL("./main.ts", import.meta.url).href;
  writeFileSync(
    script,
    `import { main } from ${JSON.stringify(source)};\nfor (;;) if ((await main(["--help"])) !== 0) break;\nelse await new Promise(setImmediate);\n`,
  );
  const child = spawn(process.execPath, [script], { stdio: ["ignore", "pipe", "pipe"] });
  let stderr = "";
  child.stderr.on("data", (chunk) => (stderr += chunk));
  await once(child.stdout, "data");
  child.stdout.destroy();
  const [code] = await once(child, "close");
  assert.equal(stderr, "");
  assert.equal(code, 141);
});

test("a slow reader gets all of the output, and the exit code", async () => {
  const long = "0123456789abcdef".repeat(1 << 19);
  await using server = await startFakeEngine({
    "GET /containers/x/json": { Id: "x", Config: { Tty: true } },
    "GET /containers/x/logs": long,
  });
  const source = new URL("./run-process.ts", import.meta.url).href;
  const script = `const { runProcess } = await import(${JSON.stringify(source)}); await runProcess();`;
  const child = spawn(
    process.execPath,
    ["--input-type=module", "-e", script, "--", "x", "-H", server.host, "logs", "x"],
    {
      stdio: ["ignore", "pipe", 2],
    },
  );
  const closed = once(child, "close");
  let length = 0;
  for await (const chunk of child.stdout!) {
    length += (chunk as Buffer).length;
    await new Promise(setImmediate);
  }
  assert.equal(length, long.length);
  assert.deepEqual(await closed, [0, null]);
});

test("the completion scripts name the commands and their flags", async () => {
  const { stdout } = await runMain(["completion", "bash"]);
  assert.match(stdout, /"container run"\) words=".*--publish-all/);
  const bash = spawn(
    "bash",
    ["-c", `${stdout}\nCOMP_WORDS=(keelson network l); COMP_CWORD=2; _keelson; echo "\${COMPREPLY[@]}"`],
    { stdio: ["ignore", "pipe", "inherit"] },
  );
  let out = "";
  bash.stdout.on("data", (chunk) => (out += chunk));
  await once(bash, "close");
  assert.equal(out, "ls\n");
  assert.match((await runMain(["completion", "fish"])).stdout, /-l publish-all/);
  assert.match((await runMain(["completion", "zsh"])).stdout, /^#compdef keelson/);
  assert.equal((await runMain(["completion", "tcsh"])).code, 1);
});
