/** What a test host has of the engine's, in forms that two moments can be compared by. */
import assert from "node:assert/strict";
import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { isDeepStrictEqual } from "node:util";
import type { TestHost } from "./host.ts";
import { poll } from "./poll.ts";

/** A host's folder as this process can read it: the host's mounts are seen by its own namespace only. */
export function inside(host: TestHost, ...path: string[]): string {
  return join(`/proc/${host.holder.pid}/root`, host.dir, ...path);
}

export type State = Readonly<Record<string, unknown>>;

/**
 * Everything on disk and in the kernel that this host has of the engine's, once it is at rest: the kernel takes
 * namespaces down, and the engine its trash, by and by.
 */
export async function stateOf(host: TestHost): Promise<State> {
  let last: State = {};
  return poll("the host is at rest", async () => {
    const now = await look(host);
    const same = isDeepStrictEqual(now, last) && (now["trash"] as string[]).length === 0;
    last = now;
    return same ? now : undefined;
  });
}

async function look(host: TestHost): Promise<State> {
  const docker = async (...args: string[]): Promise<string[]> => {
    const out = await host.docker(args);
    assert.equal(out.code, 0, `docker ${args.join(" ")}: ${out.stderr}\n${host.log.slice(-4000)}`);
    return out.stdout.split("\n").filter(Boolean).sort();
  };
  const links = (await host.exec("ip", ["-o", "link"])).stdout.split("\n").filter(Boolean);
  const nft = JSON.parse((await host.exec("nft", ["-j", "list", "ruleset"])).stdout) as { nftables: object[] };
  return {
    containers: await docker("ps", "-a", "--format", "{{.Names}}"),
    images: await docker("images", "--format", "{{.Repository}}:{{.Tag}}"),
    volumes: await docker("volume", "ls", "-q"),
    mounts: (await readFile(`/proc/${host.holder.pid}/mounts`, "utf8"))
      .split("\n")
      .filter((line) => line.includes(host.dir))
      .map((line) => line.split(" ")[1])
      .sort(),
    links: links.map((line) => line.split(":")[1]!.trim()).sort(),
    namespaces: (await readdir(inside(host, "run/netns")).catch(() => [])).sort(),
    runDirs: (await readdir(inside(host, "run/containers")).catch(() => [])).sort(),
    dataDirs: (await readdir(inside(host, "data/containers")).catch(() => [])).sort(),
    runtime: (await readdir(inside(host, "run/runtime")).catch(() => [])).sort(),
    nft: nft.nftables
      .flatMap((entry) => Object.values(entry) as Array<{ name?: string; elem?: unknown[] }>)
      .map(({ name, elem }) => [name, elem?.length]),
    blobs: (await readdir(inside(host, "data/content/blobs/sha256")).catch(() => [])).sort(),
    ingest: await readdir(inside(host, "data/content/ingest")).catch(() => []),
    snapshots: (await readdir(inside(host, "data/snapshots"))).sort(),
    trash: (await readdir(inside(host, "data/snapshots/.trash")).catch(() => [])).sort(),
  };
}

/** Waits until the host has exactly what it had. */
export async function returnsTo(host: TestHost, clean: State, what?: string): Promise<void> {
  let now: State = {};
  const same = async (): Promise<boolean> => {
    now = await look(host);
    return isDeepStrictEqual(now, clean);
  };
  await poll("the host is as it was", same, 10_000).catch(() => assert.deepEqual(now, clean, what));
}

/** Memory of the daemon in MiB: what is resident of its own (files that it maps are not counted). */
export function daemonMemory(host: TestHost): number {
  const status = readFileSync(`/proc/${host.daemon!.pid}/status`, "utf8");
  return Number(/RssAnon:\s+(\d+) kB/.exec(status)![1]) / 1024;
}

/** What the daemon's file descriptors point at, in a form that is the same for two of a kind. */
export function daemonFiles(host: TestHost): string[] {
  const folder = `/proc/${host.daemon!.pid}/fd`;
  return readdirSync(folder)
    .flatMap((fd) => {
      try {
        return [readlinkSync(join(folder, fd)).replace(/\d+|[0-9a-f]{64}/g, "#")];
      } catch {
        return [];
      }
    })
    .sort();
}

/** Processes below the host's namespaces whose program has this name. */
export function processesNamed(host: TestHost, name: string): number[] {
  return readdirSync("/proc")
    .filter((pid) => /^\d+$/.test(pid))
    .map(Number)
    .filter((pid) => {
      try {
        return (
          readFileSync(`/proc/${pid}/comm`, "utf8").trim() === name &&
          readlinkSync(`/proc/${pid}/ns/net`) === readlinkSync(`/proc/${host.holder.pid}/ns/net`)
        );
      } catch {
        return false;
      }
    });
}

/** What can leak in the daemon and beside it, for a comparison before and after. */
export interface Figures {
  readonly files: number;
  readonly shims: number;
  readonly operations: readonly string[];
}

export async function figuresOf(host: TestHost): Promise<Figures> {
  return {
    files: daemonFiles(host).length,
    shims: processesNamed(host, "keelson-shim").length,
    operations: await liveOperations(host),
  };
}

/** Waits until the daemon holds no more files, shims and operations than in `before`; says which, where it does. */
export async function settlesTo(host: TestHost, before: Figures, files: readonly string[] = []): Promise<void> {
  let now: Figures = before;
  try {
    await poll(
      "nothing is left over",
      async () => {
        now = await figuresOf(host);
        return (
          now.files <= before.files && now.shims <= before.shims && now.operations.length <= before.operations.length
        );
      },
      15_000,
    );
  } catch {
    const more = [...daemonFiles(host)];
    for (const file of files) if (more.includes(file)) more.splice(more.indexOf(file), 1);
    assert.fail(`left over: ${JSON.stringify({ before, now })}; files more than before: ${more.join(", ")}`);
  }
}

/** The names of the daemon's live operations, as SIGUSR1 makes it log them. */
export async function liveOperations(host: TestHost): Promise<string[]> {
  const mark = host.log.length;
  host.daemon!.kill("SIGUSR1");
  const line = await poll("the daemon logs its operations", () => /live operations.*/.exec(host.log.slice(mark))?.[0]);
  return line.match(/[A-Z]+ \/[^ "\\,]*/g) ?? [];
}
