/** Calls that meet each other: what the queue orders, what goes beside it, and what is left afterwards. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync, readdirSync, readlinkSync } from "node:fs";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { after, afterEach, before, test } from "node:test";
import { setTimeout as later } from "node:timers/promises";
import { isKind } from "../base/errors.ts";
import { Operation } from "../base/operation.ts";
import type { ContainerConfig, HostConfig } from "../client/endpoints/container-config.ts";
import { ensureBase } from "../images/base.ts";
import { isolate } from "../kernel/testing/isolate.ts";
import { temporaryFolder } from "../kernel/testing/temporary.ts";
import { type House, openHouse } from "./testing/house.ts";

isolate(import.meta.url);

const root = temporaryFolder("races");
const op = Operation.background("test");
const both = { stdin: false, stdout: true, stderr: true, logs: false, stream: true };
const all = { stdout: true, stderr: true, timestamps: false, details: false };
let house: House;

before(async () => {
  execFileSync("mount", ["-t", "tmpfs", "-o", "mode=755", "races", root]);
  house = await openHouse(root);
  await house.containers.reconcile(op);
  await ensureBase(op, house.parts.images);
});
after(() => house?.close());
afterEach(async () => {
  for (const { id } of house.containers.list({ all: true })) await house.containers.remove(op, id, { force: true });
  await until("nothing is left", async () => {
    const { kernel, volumes, snapshots } = house.parts;
    const mounts = await kernel.mounts(join(root, "run"));
    const folders = ["run/containers", "data/containers"].flatMap((name) => list(join(root, name)));
    return [...mounts, ...volumes.list(), ...snapshots.snapshots(), ...folders, ...shims()].length === 0;
  });
});

async function until(what: string, condition: () => boolean | Promise<boolean>): Promise<void> {
  for (const deadline = performance.now() + 10_000; !(await condition()); await later(5))
    assert.ok(performance.now() < deadline, `timed out: ${what}`);
}

const list = (folder: string): string[] => (existsSync(folder) ? readdirSync(folder) : []);

/** Shims that work in our folder. */
function shims(): string[] {
  return readdirSync("/proc").filter((pid) => {
    try {
      return /^\d+$/.test(pid) && readlinkSync(`/proc/${pid}/cwd`).startsWith(root);
    } catch {
      return false;
    }
  });
}

async function create(command: string[], hostConfig: HostConfig = {}, config: ContainerConfig = {}): Promise<string> {
  const { id } = await house.containers.create(op, {
    config: { Image: "keelson/base", Cmd: command, ...config },
    hostConfig: { NetworkMode: "none", ...hostConfig },
  });
  return id;
}

async function started(command: string[], hostConfig: HostConfig = {}, config: ContainerConfig = {}): Promise<string> {
  const id = await create(command, hostConfig, config);
  await house.containers.start(op, id);
  return id;
}

const sleep = ["sleep", "1000"];
const status = (id: string): string => house.containers.get(id).state.status;
const isConflict = (error: unknown): boolean => isKind(error, "conflict");

test("a removal by force, a kill and a stop wait for a start that is under way", async () => {
  const { containers } = house;
  for (const end of [
    (id: string) => containers.remove(op, id, { force: true }),
    (id: string) => containers.kill(op, id),
    (id: string) => containers.stop(op, id, { timeout: 0 }),
  ]) {
    const id = await create(sleep);
    const starting = containers.start(op, id);
    await end(id);
    await starting;
    assert.equal(containers.list().length, 0);
  }
});

test("a removal without force is refused while a start is under way", async () => {
  const id = await create(sleep);
  const starting = house.containers.start(op, id);
  await assert.rejects(house.containers.remove(op, id), isConflict);
  await starting;
  assert.equal(status(id), "running");
});

test("everything at once, again and again, leaves one truth", async () => {
  const { containers } = house;
  const allowed = ["notFound", "notModified", "conflict"] as const;
  for (let round = 0; round < 6; round++) {
    const id = await create(sleep, { AutoRemove: round % 2 === 0 });
    const calls = [
      containers.start(op, id),
      containers.attach(op, id, both).then(({ stream }) => stream.resume()),
      containers.restart(op, id, { timeout: 0 }),
      containers.kill(op, id),
      containers.start(op, id),
      containers.stop(op, id, { timeout: 0 }),
      containers.rename(op, id, `renamed-${round}`),
      containers.remove(op, id, { force: true }),
      containers.attach(op, id, both).then(({ stream }) => stream.resume()),
      containers.remove(op, id, { force: true, volumes: true }),
    ];
    for (const result of await Promise.allSettled(calls))
      if (result.status === "rejected")
        assert.ok(
          allowed.some((kind) => isKind(result.reason, kind)),
          result.reason,
        );
    assert.throws(() => containers.get(id), /No such container/);
    assert.throws(() => containers.get(`renamed-${round}`), /No such container/);
    const { id: again } = await containers.create(op, {
      ...{ name: `renamed-${round}`, config: { Image: "keelson/base" }, hostConfig: {} },
    });
    await containers.remove(op, again);
  }
});

test("a restart does not take a container with --rm away; its end does", async () => {
  const { containers } = house;
  const id = await started(sleep, { AutoRemove: true });
  const { pid } = containers.get(id).state;
  await containers.restart(op, id, { timeout: 0 });
  assert.equal(status(id), "running");
  assert.notEqual(containers.get(id).state.pid, pid);
  const removed = containers.wait(op, id, "removed");
  await containers.kill(op, id);
  assert.equal((await removed).exitCode, 137);
});

test("a stop and a kill end a pending restart, and wake who waits", async () => {
  const { containers } = house;
  for (const end of [(id: string) => containers.stop(op, id), (id: string) => containers.kill(op, id)]) {
    const id = await started(["false"], { RestartPolicy: { Name: "always" } });
    await until("it pauses", () => status(id) === "restarting");
    const ended = containers.wait(op, id);
    await end(id);
    assert.equal((await ended).exitCode, 1);
    assert.equal(status(id), "exited");
    await assert.rejects(containers.kill(op, id), isConflict);
  }
});

test("an exec ends with its container, with a code", async () => {
  const { containers } = house;
  const id = await started(sleep);
  const exec = await containers.execCreate(op, id, { Cmd: sleep, AttachStdout: true });
  const { stream } = await containers.execStart(op, exec, { detach: false });
  stream!.resume();
  assert.equal(containers.execGet(exec).running, true);
  await containers.kill(op, id);
  const { running, exitCode } = containers.execGet(exec);
  assert.deepEqual([running, exitCode], [false, 137]);
  await assert.rejects(containers.execStart(op, exec, { detach: true }), isConflict);
});

test("a waiting shim goes with its last client, with a caller who gives up, and with the container", async () => {
  const { containers } = house;
  const id = await create(["echo", "heard"]);
  const streams = await Promise.all([0, 1].map(() => containers.attach(op, id, both)));
  assert.equal(shims().length, 1);
  streams[0]!.stream.destroy();
  const heard = text(streams[1]!.stream);
  await containers.start(op, id);
  assert.equal((await heard).slice(8), "heard\n");
  await until("it has ended", () => status(id) === "exited");

  const { stream } = await containers.attach(op, id, both);
  stream.destroy();
  await until("the shim has gone", () => shims().length === 0);
  const caller = new AbortController();
  const leaving = containers.attach(new Operation("attach", caller.signal), id, both);
  caller.abort();
  await assert.rejects(leaving, (error) => isKind(error, "cancelled"));
  await until("the shim has gone", () => shims().length === 0);

  const attached = await containers.attach(op, id, both);
  const rest = text(attached.stream);
  await containers.remove(op, id);
  assert.equal(await rest, "");
  await assert.rejects(containers.attach(op, id, both), (error) => isKind(error, "notFound"));
});

test("a start that fails tells who waits for the end", async () => {
  const { containers } = house;
  const id = await create(["/no/such"]);
  const next = containers.wait(op, id, "next-exit");
  await assert.rejects(containers.start(op, id), (error) => isKind(error) && error.fields.exitCode === 127);
  assert.equal((await next).exitCode, 127);
  assert.deepEqual([status(id), containers.get(id).state.exitCode], ["created", 127]);
  assert.match(containers.get(id).state.startedAt, /^0001-/);
});

test("a log that is followed is let go of by who does not read on", async () => {
  const { containers } = house;
  const id = await started(["sh", "-c", "echo line; sleep 1000"]);
  const watchers = (): number => process.getActiveResourcesInfo().filter((name) => name === "FSEventWrap").length;
  const { stream } = await containers.logs(op, id, { ...all, follow: true });
  const [chunk] = (await stream.iterator({ destroyOnReturn: false }).next()).value ? [true] : [];
  assert.ok(chunk);
  stream.read(0);
  await until("it waits for more", () => watchers() === 1);
  stream.destroy();
  await until("the watcher is closed", () => watchers() === 0);
});

test("anonymous volumes of a creation that fails go with it", async () => {
  const { containers, parts } = house;
  const config = { Image: "keelson/base", Cmd: ["true"], Volumes: { "/a": {}, "/b": {} } };
  const driver = { Type: "volume", Target: "/c", VolumeOptions: { DriverConfig: { Name: "nope" } } } as const;
  await assert.rejects(containers.create(op, { config, hostConfig: { Mounts: [driver] } }), (error) =>
    isKind(error, "notFound"),
  );
  assert.deepEqual(parts.volumes.list(), []);
  assert.deepEqual(containers.list({ all: true }), []);
});

test("a removal without volumes keeps the anonymous ones, one with them does not", async () => {
  const { containers, parts } = house;
  for (const volumes of [false, true]) {
    const id = await create(["true"], {}, { Volumes: { "/a": {} } });
    const { name } = containers.get(id).mounts[0]!;
    await containers.remove(op, id, { volumes });
    assert.deepEqual(
      parts.volumes.list().map((volume) => volume.name),
      volumes ? [] : [name],
    );
    if (!volumes) await parts.volumes.remove(op, name!);
  }
});
