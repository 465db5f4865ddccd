import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { access, mkdtemp, readdir, readFile, rm, rmdir, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Duplex } from "node:stream";
import { fileURLToPath } from "node:url";
import { newId } from "../../base/ids.ts";
import { createLogger } from "../../base/log.ts";
import { Operation } from "../../base/operation.ts";
import type { ExecRequest, Shim, Shims, StartRequest } from "../runtime.ts";
import { createShims } from "../shim.ts";
import { makeBundle, makeRootfs, type TestSpec, testProcess } from "./bundle.ts";

const source = fileURLToPath(new URL("../../../native/shim", import.meta.url));
const cgroupParent = "/keelson-shim-test";

/** Builds the shim as `release` or `asan` and returns the path of the program. */
export function buildShim(build: "release" | "asan"): string {
  execFileSync("make", ["-s", "-C", source, build], { stdio: "pipe" });
  return join(source, "build", build === "release" ? "keelson-shim" : "keelson-shim-asan");
}

/** The first of the usual folders that has the program. */
export function findRuntime(name: "crun" | "runc"): string {
  const found = ["/usr/bin", "/usr/sbin", "/usr/local/bin", "/usr/local/sbin"]
    .map((folder) => join(folder, name))
    .find((path) => existsSync(path));
  if (found === undefined) throw new Error(`${name} is not installed`);
  return found;
}

export interface Prepared {
  readonly shim: Shim;
  readonly dir: string;
  readonly id: string;
  readonly log: string;
  readonly cgroup: string;
  start(change?: Partial<StartRequest>, op?: Operation): Promise<{ readonly pid: number }>;
}

/** A place for containers of one test file: folders of its own, and a check that nothing is left. */
export class ShimHost {
  readonly op = Operation.background("test");
  readonly root: string;
  readonly shims: Shims;
  readonly runtime: string;
  readonly #options: Parameters<typeof createShims>[0];
  readonly #prepared: Prepared[] = [];
  #rootfs = "";

  private constructor(root: string, binary: string, runtime: string) {
    this.root = root;
    this.runtime = runtime;
    this.#options = {
      binary,
      log: createLogger("error"),
      stallTimeout: 300,
      env: {
        PATH: process.env["PATH"] ?? "",
        ASAN_OPTIONS: `log_path=${root}/asan:detect_leaks=0`,
        UBSAN_OPTIONS: `log_path=${root}/asan:print_stacktrace=1`,
      },
    };
    this.shims = createShims(this.#options);
  }

  static async open(binary: string, runtime: string): Promise<ShimHost> {
    const host = new ShimHost(await mkdtemp(join(tmpdir(), "keelson-shim-")), binary, runtime);
    host.#rootfs = join(host.root, "rootfs");
    await makeRootfs(host.#rootfs);
    return host;
  }

  /** A second daemon on the same containers. */
  anotherDaemon(): Shims {
    return createShims({ ...this.#options, spare: false });
  }

  /** A launched shim and a bundle that runs `args`. */
  async prepare(args: readonly string[], spec: Partial<TestSpec> = {}): Promise<Prepared> {
    const id = newId();
    const cgroup = `${cgroupParent}/${id}`;
    const bundle = await makeBundle(join(this.root, id, "bundle"), { rootfs: this.#rootfs, cgroup, args, ...spec });
    const dir = join(this.root, id, "run");
    const log = join(this.root, id, "json.log");
    const shim = await this.shims.launch(this.op, dir);
    const request: StartRequest = {
      id,
      bundle,
      runtime: this.runtime,
      runtimeRoot: this.runtimeRoot,
      terminal: spec.terminal ?? false,
      openStdin: false,
      stdinOnce: false,
      cgroup,
      uid: spec.uid ?? 0,
      gid: spec.uid ?? 0,
      log: { path: log, maxSize: 0, maxFiles: 1 },
    };
    const prepared = {
      shim,
      dir,
      id,
      log,
      cgroup,
      start: (change: Partial<StartRequest> = {}, op = this.op) => shim.start(op, { ...request, ...change }),
    };
    this.#prepared.push(prepared);
    return prepared;
  }

  get runtimeRoot(): string {
    return join(this.root, "runtime");
  }

  /** Writes a process file and runs it in the container. */
  async exec(on: Prepared, execId: string, args: readonly string[], change: Partial<ExecRequest> = {}) {
    const processFile = join(this.root, `${execId}.json`);
    await writeFile(
      processFile,
      JSON.stringify(testProcess(args, { terminal: change.terminal ?? false, consoleSize: change.size })),
    );
    return on.shim.exec(this.op, { execId, processFile, terminal: false, openStdin: false, ...change });
  }

  /** Opens the whole stdio. */
  attach(on: Prepared, change: { stdin?: boolean; stdout?: boolean; stderr?: boolean; execId?: string } = {}) {
    return on.shim.attach(this.op, { stdin: false, stdout: true, stderr: true, ...change });
  }

  /** What of a container is still there: cgroups and the runtime's state. */
  async remains(on: Prepared): Promise<string[]> {
    const controllers = await readdir("/sys/fs/cgroup");
    const folders = [
      ...controllers.map((name) => `/sys/fs/cgroup/${name}${on.cgroup}`),
      `/sys/fs/cgroup${on.cgroup}`,
      join(this.runtimeRoot, on.id),
    ];
    const there = await Promise.all(folders.map(exists));
    return folders.filter((_, index) => there[index]);
  }

  /** Ends what tests left running, fails on a sanitizer's report, removes every folder. */
  async close(): Promise<void> {
    for (const { shim, dir } of this.#prepared) {
      shim.disconnect();
      const adopted = await this.shims.adopt(this.op, dir);
      if (adopted.kind === "running") await adopted.shim.dispose(this.op);
    }
    await this.shims.close();
    for (const controller of ["", ...(await readdir("/sys/fs/cgroup"))])
      await rmdir(join("/sys/fs/cgroup", controller, cgroupParent)).catch(() => {});
    const reports = (await readdir(this.root)).filter((name) => name.startsWith("asan"));
    const texts = await Promise.all(reports.map((name) => readFile(join(this.root, name), "utf8")));
    await rm(this.root, { recursive: true, force: true, maxRetries: 3 });
    if (texts.length > 0) throw new Error(texts.join("\n"));
  }
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}

const streamDeadline = 10_000;

/** Collects a stream until `enough` or its end; a stream that gives neither in time is an error. */
async function collect(stream: Duplex, enough: (seen: Buffer[]) => boolean): Promise<Buffer> {
  const seen: Buffer[] = [];
  const timer = setTimeout(() => stream.destroy(new Error("not in time")), streamDeadline);
  try {
    for await (const chunk of stream.iterator({ destroyOnReturn: false })) {
      seen.push(chunk as Buffer);
      if (enough(seen)) break;
    }
    return Buffer.concat(seen);
  } catch (error) {
    const end = Buffer.concat(seen).subarray(-200).toString("latin1");
    throw new Error(`waiting for output that ended in ${JSON.stringify(end)}`, { cause: error });
  } finally {
    clearTimeout(timer);
  }
}

/** Everything that a stream gives until its end. */
export async function readAll(stream: Duplex): Promise<Buffer> {
  const all = await collect(stream, () => false);
  stream.destroy();
  return all;
}

/** Docker's frames as text of each stream. */
export function unframe(bytes: Buffer): { readonly stdout: string; readonly stderr: string } {
  const text: Record<number, Buffer[]> = { 1: [], 2: [] };
  for (let at = 0; at < bytes.length; ) {
    const length = bytes.readUInt32BE(at + 4);
    text[bytes[at]!]!.push(bytes.subarray(at + 8, at + 8 + length));
    at += 8 + length;
  }
  return { stdout: Buffer.concat(text[1]!).toString(), stderr: Buffer.concat(text[2]!).toString() };
}

/** Resolves with all that was read so far once it contains `text`; rejects when the stream ends before. */
export async function readUntil(stream: Duplex, text: string): Promise<string> {
  const seen = (await collect(stream, (chunks) => Buffer.concat(chunks).includes(text))).toString("latin1");
  if (!seen.includes(text))
    throw new Error(`the stream ended without ${JSON.stringify(text)}: ${JSON.stringify(seen)}`);
  return seen;
}

/** Polls until `condition` holds; an error after five seconds. */
export async function until(what: string, condition: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = performance.now() + 5000;
  while (!(await condition())) {
    if (performance.now() > deadline) throw new Error(`not in time: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

/** True while the process exists and is no zombie. */
export async function alive(pid: number): Promise<boolean> {
  const stat = await readFile(`/proc/${pid}/stat`, "utf8").catch(() => "");
  return stat !== "" && !/\) [ZX] /.test(stat);
}

export interface LogLine {
  readonly log: string;
  readonly stream: string;
  readonly time: string;
}

/** The lines of a json-file log; fails on a line that is no JSON. */
export async function logLines(path: string): Promise<LogLine[]> {
  const text = await readFile(path, "utf8");
  return text
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line) as LogLine);
}
