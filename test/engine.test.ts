/** The engine inside a Node program: what `engine.run` promises, and what closing and opening mean for containers. */
import assert from "node:assert/strict";
import { getEventListeners, once } from "node:events";
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { after, before, test } from "node:test";
import { KeelsonError } from "../src/base/errors.ts";
import { Engine, isKind, Operation, type RunOptions } from "../src/index.ts";
import { isolate } from "../src/kernel/testing/isolate.ts";
import { temporaryFolder } from "../src/kernel/testing/temporary.ts";
import { run as command } from "./host.ts";
import { poll } from "./poll.ts";

isolate(import.meta.url);

const root = temporaryFolder("engine");
const options = { dataRoot: join(root, "data"), execRoot: join(root, "run") };
const op = Operation.background("test");
const image = "keelson/base";
let engine: Engine;

before(async () => {
  const { code, stderr } = await command("mount", ["-t", "tmpfs", "-o", "mode=755", "engine", root]);
  assert.equal(code, 0, stderr);
  engine = await Engine.open(options);
  await engine.base();
});
after(() => engine?.close());

/** What a run left, once it is at rest: the container's folders, mounts and records. */
async function isClean(): Promise<void> {
  await poll("nothing is left", async () => {
    const folders = ["run/containers", "data/containers"].flatMap((folder) => list(join(root, folder)));
    const mounts = await engine.services.kernel.mounts(options.execRoot);
    return engine.containers.list({ all: true }).length === 0 && folders.length === 0 && mounts.length === 0;
  });
}

function list(folder: string): string[] {
  return existsSync(folder) ? readdirSync(folder) : [];
}

/** Runs to the end with both outputs. */
async function output(request: Omit<RunOptions, "image">) {
  const running = await engine.run({ image, network: "none", ...request });
  const [stdout, stderr] = await Promise.all([text(running.stdout), text(running.stderr)]);
  return { stdout, stderr, ...(await running.wait()) };
}

test("environment, user, folder and volumes are as they were asked for", async () => {
  const folder = join(root, "shared");
  mkdirSync(folder);
  writeFileSync(join(folder, "in"), "from outside\n");
  const { stdout, stderr, exitCode } = await output({
    command: [
      "sh",
      "-c",
      'echo "$A-$B"; id -u; id -g; pwd; cat /shared/in; cat /kept/note; echo bad >&2; touch /shared/x; exit 5',
    ],
    env: { A: "one", B: "two words" },
    user: "33:100",
    workingDir: "/var/www",
    volumes: [`${folder}:/shared:ro`, "kept:/kept"],
  });
  assert.equal(stdout, "one-two words\n33\n100\n/var/www\nfrom outside\n");
  assert.match(stderr, /cat: can't open '\/kept\/note'.*\nbad\ntouch: \/shared\/x: Read-only file system\n/s);
  assert.equal(exitCode, 5);
  writeFileSync(join(engine.volumes.get("kept").mountpoint, "note"), "kept\n");
  assert.equal((await output({ command: ["cat", "/kept/note"], volumes: ["kept:/kept"] })).stdout, "kept\n");
  await engine.volumes.remove(op, "kept");
  await isClean();
});

test("stdin is written to, and its end is seen", async () => {
  const running = await engine.run({ image, network: "none", command: ["sort"], stdin: true });
  running.stdin.write("b\n");
  running.stdin.end("a\n");
  assert.equal(await text(running.stdout), "a\nb\n");
  assert.deepEqual(await running.wait(), { exitCode: 0 });
});

test("a signal that outlives the run keeps nothing of it", async () => {
  const caller = new AbortController();
  for (const request of [{ network: "none" }, { stdin: true }, { tty: true }])
    await output({ command: ["true"], signal: caller.signal, ...request });
  assert.equal(getEventListeners(caller.signal, "abort").length, 0);
});

test("a terminal is one, and has everything in one stream", async () => {
  const running = await engine.run({ image, network: "none", command: ["sh"], tty: true, stdin: true });
  running.stdin.write("tty; echo to-stderr >&2; exit 4\n");
  const [stdout, stderr] = await Promise.all([text(running.stdout), text(running.stderr)]);
  assert.match(stdout, /\/dev\/pts\/0\r\n/);
  assert.match(stdout, /\nto-stderr\r\n/);
  assert.equal(stderr, "");
  assert.deepEqual(await running.wait(), { exitCode: 4 });
});

test("a port is published, by number or any free one", async () => {
  const serve = ["sh", "-c", "while echo hello | nc -l -p 80; do :; done"];
  for (const wanted of [18080, 0]) {
    const running = await engine.run({ image, command: serve, publish: { "80": wanted } });
    running.stdout.resume();
    running.stderr.resume();
    const { sandbox } = engine.containers.get(running.id);
    const { hostPort } = sandbox!.ports.find(({ hostIp }) => hostIp === "0.0.0.0")!;
    if (wanted !== 0) assert.equal(hostPort, wanted);
    assert.equal(await poll("the port answers", () => ask(hostPort)), "hello\n");
    await running.stop(0);
    assert.deepEqual(await running.wait(), { exitCode: 137 });
  }
  await isClean();
});

async function ask(port: number): Promise<string | undefined> {
  const socket: Socket = connect(port, "127.0.0.1");
  try {
    return (await text(socket)) || undefined;
  } catch {
    return undefined;
  }
}

test("a container that is to stay stays, with its exit code and its log", async () => {
  const running = await engine.run({
    image,
    network: "none",
    command: ["sh", "-c", "echo kept; exit 3"],
    remove: false,
  });
  running.stdout.resume();
  assert.deepEqual(await running.wait(), { exitCode: 3 });
  const { state, name } = engine.containers.get(running.id);
  assert.deepEqual([state.status, state.exitCode], ["exited", 3]);
  const { stream } = await engine.containers.logs(op, name, {
    ...{ stdout: true, stderr: true, follow: false, timestamps: false, details: false },
  });
  assert.equal((await text(stream)).slice(8), "kept\n");
  await running.stop();
  await engine.containers.remove(op, name);
  await isClean();
});

test("waiting again, and after the end, gives the same; stopping what has ended is no error", async () => {
  const running = await engine.run({ image, network: "none", command: ["sh", "-c", "exit 9"] });
  running.stdout.resume();
  running.stderr.resume();
  assert.deepEqual(await Promise.all([running.wait(), running.wait()]), [{ exitCode: 9 }, { exitCode: 9 }]);
  assert.deepEqual(await running.wait(), { exitCode: 9 });
  await running.stop();
});

test("many at once do not mix", async () => {
  const numbers = Array.from({ length: 8 }, (_, index) => index);
  const outputs = await Promise.all(
    numbers.map((n) =>
      output({ command: ["sh", "-c", `echo ${n}; exit ${n}`], network: n % 2 === 0 ? "none" : "bridge" }),
    ),
  );
  assert.deepEqual(
    outputs.map(({ stdout, exitCode }) => [stdout, exitCode]),
    numbers.map((n) => [`${n}\n`, n]),
  );
  await isClean();
});

test("what cannot start leaves nothing, removed or not", async () => {
  for (const remove of [true, false]) {
    await assert.rejects(
      engine.run({ image, network: "none", command: ["/no/such"], remove }),
      (error) => isKind(error) && error.fields.exitCode === 127,
    );
    await isClean();
  }
  await assert.rejects(engine.run({ image: "nothing" }), (error) => isKind(error, "notFound"));
});

test("a start that is given up at any step leaves nothing", async () => {
  const steps = await stepsOfARun();
  assert.ok(steps > 4, `${steps} steps`);
  for (let at = 0; at <= steps; at++) {
    const caller = new AbortController();
    const spy = abortAt(caller, at);
    try {
      const running = await engine.run({ image, command: ["true"], signal: caller.signal }).finally(spy);
      for (const stream of [running.stdout, running.stderr]) stream.resume();
      await running.wait();
    } catch (error) {
      assert.ok(isKind(error, "cancelled"), `at step ${at}: ${(error as Error).stack}`);
    }
    await isClean();
  }
});

async function stepsOfARun(): Promise<number> {
  const caller = new AbortController();
  let steps = 0;
  const spy = onStep(caller.signal, () => steps++);
  const running = await engine.run({ image, command: ["true"], signal: caller.signal }).finally(spy);
  for (const stream of [running.stdout, running.stderr]) stream.resume();
  await running.wait();
  return steps;
}

function abortAt(caller: AbortController, at: number): () => void {
  if (at === 0) caller.abort();
  let step = 0;
  return onStep(caller.signal, () => {
    if (++step === at) caller.abort();
  });
}

/** Calls back at each step of the operations that have the signal. */
function onStep(signal: AbortSignal, listener: () => void): () => void {
  const { step } = Operation.prototype;
  Operation.prototype.step = function (this: Operation, name: string): void {
    step.call(this, name);
    if (this.signal === signal) listener();
  };
  return () => {
    Operation.prototype.step = step;
  };
}

test("a second engine on the data root is refused, and the first goes on", async () => {
  await assert.rejects(
    Engine.open({ ...options, execRoot: join(root, "run2"), bridge: "second0" }),
    (error) => isKind(error, "conflict") && /another engine is using the data root/.test(error.message),
  );
  assert.equal((await output({ command: ["echo", "on"] })).stdout, "on\n");
});

test("a closed engine lets containers run on, tells those who wait, and refuses what comes later; the next finds them", async () => {
  const loop = ["sh", "-c", "echo up; trap 'exit 6' TERM; while true; do sleep 0.05; done"];
  const running = await engine.run({ image, command: loop, name: "stays", publish: { "80/tcp": 18081 } });
  await once(running.stdout, "data");
  const ended = engine.run({
    image,
    network: "none",
    command: ["sh", "-c", "echo up; sleep 0.3; exit 8"],
    remove: false,
  });
  const { id: short, stdout } = await ended;
  stdout.resume();
  const { pid } = engine.containers.get("stays").state;
  const waits = [running.wait(), engine.containers.stop(op, "stays", { signal: "USR1", timeout: -1 })].map((wait) =>
    assert.rejects(wait, (error) => isKind(error, "unavailable")),
  );
  running.stdout.resume();
  const outputEnds = once(running.stdout, "end");
  await Promise.all([engine.close(), engine.close()]);
  await Promise.all([...waits, outputEnds]);
  for (const late of [
    () => engine.run({ image, command: ["true"] }),
    () => engine.containers.start(op, "stays"),
    () => engine.containers.remove(op, "stays", { force: true }),
  ])
    await assert.rejects(late, (error) => error instanceof KeelsonError && error.kind === "unavailable");
  assert.match(readFileSync(`/proc/${pid}/comm`, "utf8"), /^sh/);
  await poll("the short one ends unseen", () => existsSync(join(options.execRoot, "containers", short, "exit")));

  engine = await Engine.open(options);
  const found = engine.containers.get("stays");
  assert.deepEqual([found.state.status, found.state.pid], ["running", pid]);
  assert.deepEqual(
    [engine.containers.get(short).state.status, engine.containers.get(short).state.exitCode],
    ["exited", 8],
  );
  await engine.containers.remove(op, short);
  const gone = engine.containers.wait(op, "stays", "removed");
  await engine.containers.kill(op, "stays", "TERM");
  assert.equal((await gone).exitCode, 6);
  await isClean();
});

test("closing in the middle of starts leaves whole containers", async () => {
  const requests = Array.from({ length: 4 }, (_, index) =>
    engine.run({ image, network: "none", name: `c${index}`, command: ["sleep", "1000"] }).then(
      () => `c${index}`,
      (error) => {
        assert.ok(isKind(error), (error as Error).stack);
        return undefined;
      },
    ),
  );
  await poll("one is being started", () => engine.containers.list({ all: true }).length > 0);
  await engine.close();
  const started = (await Promise.all(requests)).filter((name) => name !== undefined);
  engine = await Engine.open(options);
  const states = engine.containers.list({ all: true }).map(({ name, state }) => `${name} ${state.status}`);
  for (const name of started) assert.ok(states.includes(`${name} running`), `${name} of ${states}`);
  for (const state of states) assert.match(state, / (running|created)$/);
  for (const { id } of engine.containers.list({ all: true })) await engine.containers.remove(op, id, { force: true });
  await isClean();
});
