import { conflict, notFound } from "../../base/errors.ts";
import { EventBus } from "../../base/events.ts";
import type { Operation } from "../../base/operation.ts";
import type { Container, Containers, Exec } from "../../containers/containers.ts";
import type { Images } from "../../images/images.ts";
import type { Networks } from "../../networks/networks.ts";
import type { Volumes } from "../../volumes/volumes.ts";
import type { ApiServices } from "../services.ts";
import { bridge, exited, image, running, system, volume } from "./samples.ts";

/** What a handler asked of a service. */
export interface Asked {
  readonly name: string;
  readonly args: readonly unknown[];
  readonly op: Operation | undefined;
}

export interface FakeServices extends ApiServices {
  readonly asked: Asked[];
  /** The arguments (without the operation) of the newest call of that name. */
  last(name: string): readonly unknown[];
}

type Overrides = {
  readonly containers?: Partial<Containers>;
  readonly images?: Partial<Images>;
  readonly networks?: Partial<Networks>;
  readonly volumes?: Partial<Volumes>;
};

export const exec: Exec = {
  id: "9".repeat(64),
  containerId: running.id,
  config: { Cmd: ["cat", "-n"], AttachStdin: true, AttachStdout: true, User: "root" },
  running: false,
  exitCode: null,
  pid: 0,
};

/** Services that hold a running and an exited container, one image, one network and one volume, and note every call. */
export function fakeServices(overrides: Overrides = {}, more: Partial<ApiServices> = {}): FakeServices {
  const asked: Asked[] = [];
  const noting = <T extends object>(parts: T): T =>
    new Proxy(parts, {
      get: (target, name) => {
        const found = Reflect.get(target, name) as ((...args: unknown[]) => unknown) | undefined;
        if (found === undefined) throw new Error(`the fake has no ${String(name)}`);
        return (...args: unknown[]) => {
          const op = isOperation(args[0]) ? args[0] : undefined;
          asked.push({ name: String(name), args: op ? args.slice(1) : args, op });
          return found(...args);
        };
      },
    });
  return {
    containers: noting({ ...containers(), ...overrides.containers } as Containers),
    images: noting({ ...images(), ...overrides.images } as Images),
    networks: noting({ ...networks(), ...overrides.networks } as Networks),
    volumes: noting({ ...volumes(), ...overrides.volumes } as Volumes),
    events: new EventBus(),
    system,
    ...more,
    asked,
    last: (name) => asked.findLast((one) => one.name === name)?.args ?? [],
  };
}

function isOperation(value: unknown): value is Operation {
  return typeof value === "object" && value !== null && "signal" in value && "steps" in value;
}

function find(ref: string): Container {
  const found = [running, exited].find(({ id, name }) => name === ref || (ref !== "" && id.startsWith(ref)));
  if (!found) throw notFound(`No such container: ${ref}`);
  return found;
}

function containers(): Partial<Containers> {
  const done = async (_op: Operation, ref: string): Promise<void> => void find(ref);
  return {
    create: async () => ({ id: running.id, warnings: [] }),
    start: done,
    stop: done,
    restart: done,
    kill: done,
    rename: done,
    remove: async (_op, ref, options) => {
      if (find(ref).state.status === "running" && !options?.force)
        throw conflict(`cannot remove container "${ref}": container is running: stop the container before removing`);
    },
    get: find,
    list: (options) => (options?.all ? [running, exited] : [running]),
    size: async () => ({ rw: 12, rootFs: 1982324 }),
    wait: async () => ({ exitCode: 3 }),
    resize: done,
    top: async () => ({ titles: ["PID", "CMD"], processes: [["1", "sh"]] }),
    execCreate: async () => exec.id,
    execGet: (id) => {
      if (id !== exec.id) throw notFound(`No such exec instance: ${id}`);
      return exec;
    },
    execStart: async () => ({ tty: false }),
    execResize: async () => {},
  };
}

function images(): Partial<Images> {
  return {
    resolve: (reference) => {
      if (![...image.tags, "busybox", image.id].includes(reference))
        throw notFound(`No such image: ${reference}:latest`);
      return image;
    },
    list: () => [image],
    history: () => [{ ...image.config.history![0]!, id: image.id, tags: image.tags, size: image.size }],
    tag: async () => {},
    remove: async () => [{ untagged: "busybox:latest" }, { deleted: image.id }],
  };
}

function networks(): Partial<Networks> {
  return {
    list: () => [bridge],
    get: (reference) => {
      if (reference !== "bridge" && reference !== bridge.id) throw notFound(`network ${reference} not found`);
      return bridge;
    },
    create: async () => bridge,
    remove: async () => {},
    endpoints: () => [{ ...running.sandbox!.endpoints[0]!, containerId: running.id, containerName: running.name }],
  };
}

function volumes(): Partial<Volumes> {
  return {
    list: () => [volume],
    get: (name) => {
      if (name !== volume.name) throw notFound(`get ${name}: no such volume`);
      return volume;
    },
    create: async () => volume,
    remove: async (_op, name) => {
      if (name !== volume.name) throw notFound(`get ${name}: no such volume`);
    },
  };
}
