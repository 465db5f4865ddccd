/**
 * One life of an engine's containers, for `steps.test.ts`: takes over what the life before left, tells what that is, clears
 * it away, tells what is still there then, and goes through a container's life until it kills itself at a given step.
 *
 *   node steps-child.ts ROOT STEP [after]
 *
 * A step is the beginning of a call that changes the world; with `after`, its end is one, too.
 */
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as later } from "node:timers/promises";
import { Operation } from "../../base/operation.ts";
import { ensureBase } from "../../images/base.ts";
import type { Container, CreateRequest } from "../containers.ts";
import type { ContainerParts } from "../context.ts";
import { openHouse } from "./house.ts";

const [root = "", killAt = "0", ends] = process.argv.slice(2);
const op = Operation.background("steps");
/** The calls that change the world. */
const changing = new Set(
  "put remove prepare create seed mount unmount join leave launch start dispose removeNetworkNamespace".split(" "),
);
let counted = 0;
let isCounting = false;

/** A part whose changing calls are steps: the process ends at the one that was asked for. */
function stepping<T extends object>(part: T, name: string): T {
  return new Proxy(part, {
    get(target, key) {
      const value: unknown = Reflect.get(target, key, target);
      if (typeof value !== "function") return value;
      return (...args: unknown[]) => {
        const step = `${name}.${String(key)}`;
        if (key === "table") return stepping(value.apply(target, args), `records ${args[0]}`);
        if (!changing.has(String(key))) return value.apply(target, args);
        reached(`before ${step}`);
        const result: unknown = value.apply(target, args);
        if (!(result instanceof Promise)) return result;
        return result.then((made: unknown) => {
          if (ends === "after") reached(`after ${step}`);
          return key === "launch" ? stepping(made as object, "shim") : made;
        });
      };
    },
  });
}

function reached(step: string): void {
  if (!isCounting || ++counted !== Number(killAt)) return;
  writeFileSync(join(root, "killed-at"), step);
  process.kill(process.pid, "SIGKILL");
}

const decorate = (parts: ContainerParts): ContainerParts => ({
  ...parts,
  store: stepping(parts.store, "store"),
  snapshots: stepping(parts.snapshots, "snapshots"),
  networks: stepping(parts.networks, "networks"),
  volumes: stepping(parts.volumes, "volumes"),
  shims: stepping(parts.shims, "shims"),
  kernel: stepping(parts.kernel, "kernel"),
});

const request: CreateRequest = {
  name: "victim",
  config: { Image: "keelson/base", Cmd: ["sh", "-c", "echo said; exit 7"], Volumes: { "/etc": {} } },
  hostConfig: { PortBindings: { "80/tcp": [{ HostPort: "18080" }] } },
};

const house = await openHouse(root, decorate);
const { containers, parts } = house;
await parts.volumes.reconcile(op);
await containers.reconcile(op);
await parts.images.reconcile(op);
await ensureBase(op, parts.images);
const found = containers.list({ all: true }).map(describe);
for (const { id } of containers.list({ all: true })) await containers.remove(op, id, { force: true, volumes: true });
process.stdout.write(`${JSON.stringify({ found, left: await leftovers() })}\n`);
isCounting = true;
const { id } = await containers.create(op, request);
const removed = containers.wait(op, id, "next-exit");
await containers.start(op, id);
await removed;
await containers.remove(op, id, { volumes: true });
isCounting = false;
process.stdout.write(`${JSON.stringify({ steps: counted })}\n`);
await house.close();

function describe({ id, state }: Container) {
  const log = join(parts.dataRoot, "containers", id, `${id}-json.log`);
  return { status: state.status, exitCode: state.exitCode, pid: state.pid, startedAt: state.startedAt, log: read(log) };
}

/** Everything of containers on the disk and in the kernel, once links and trash are gone. */
async function leftovers(): Promise<string[]> {
  const look = async (): Promise<string[]> => [
    ...["run/containers", "run/netns", "run/runtime", "data/containers", "data/snapshots/.trash"].flatMap(list),
    ...parts.snapshots.snapshots().map(({ id }) => `snapshot ${id}`),
    ...parts.volumes.list().map(({ name }) => `volume ${name}`),
    ...(await parts.kernel.mounts(join(root, "run"))).map(({ target }) => `mount ${target}`),
    ...(await parts.kernel.links()).map(({ name }) => name).filter((name) => !["lo", "keelson0"].includes(name)),
  ];
  const deadline = performance.now() + 10_000;
  let now = await look();
  for (; now.length > 0 && performance.now() < deadline; now = await look()) await later(5);
  return now;
}

function list(folder: string): string[] {
  try {
    return readdirSync(join(root, folder)).map((name) => `${folder}/${name}`);
  } catch {
    return [];
  }
}

function read(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}
