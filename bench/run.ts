/**
 * `npm run bench`: Keelson against a Docker, alternating runs, medians and ratios.
 *
 *   KEELSON_BENCH_DOCKER=unix:///path/docker.sock   the Docker to compare with; without it only our own figures
 *   KEELSON_BENCH_RUNS=20                           counted runs of each case
 *   KEELSON_BENCH_ONLY=exec,load                    only the cases whose names have one of these words
 */
import { readdirSync, readFileSync } from "node:fs";
import { rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as later } from "node:timers/promises";
import { busyboxTar } from "../test/busybox.ts";
import { type Output, run, TestHost } from "../test/host.ts";
import { alternate, median, type Pair, timed } from "./measure.ts";

delete process.env["NODE_EXTRA_CA_CERTS"];

const peer = process.env["KEELSON_BENCH_DOCKER"];
const runs = Number(process.env["KEELSON_BENCH_RUNS"] ?? 20);
const only = (process.env["KEELSON_BENCH_ONLY"] ?? "").split(",").filter(Boolean);
const wanted = (name: string): boolean => only.length === 0 || only.some((word) => name.includes(word));

await using host = await TestHost.make();
await host.start();
const ours = (...args: string[]): Promise<Output> => checked(host.docker(args));
const theirs = (...args: string[]): Promise<Output> => checked(run("docker", args, { env: { DOCKER_HOST: peer! } }));
const rows: string[][] = [["case", "Keelson", "other", "ratio", "target"]];

await ownImage((input) => host.docker(["import", "-", "busybox:bench"], { input }));
if (peer)
  await ownImage((input) => run("docker", ["import", "-", "busybox:bench"], { input, env: { DOCKER_HOST: peer } }));

for (const network of ["bridge", "none", "host"])
  await compare(`run --rm, ${network}`, network === "bridge" ? "≤ 0.30" : "≤ 0.35", (docker) =>
    docker("run", "--rm", "--network", network, "busybox:bench", "true"),
  );
await compareExec();
await compare(
  "20 parallel runs",
  "≤ 0.35",
  (docker) => Promise.all(Array.from({ length: 20 }, () => docker("run", "--rm", "busybox:bench", "true"))),
  Math.max(3, Math.round(runs / 4)),
);
await compareLoad();
await embedded();
await memory();
print();

type Docker = (...args: string[]) => Promise<Output>;

async function compare(
  name: string,
  target: string,
  body: (docker: Docker) => Promise<unknown>,
  count = runs,
): Promise<void> {
  if (!wanted(name)) return;
  if (!peer) {
    await body(ours);
    const values: number[] = [];
    for (let index = 0; index < count; index++) values.push(await timed(() => body(ours)));
    add(name, { ours: median(values), theirs: Number.NaN, ratio: Number.NaN }, target);
    return;
  }
  add(
    name,
    await alternate(
      count,
      () => body(ours),
      () => body(theirs),
    ),
    target,
  );
}

async function compareExec(): Promise<void> {
  if (!wanted("exec")) return;
  const engines = peer ? [ours, theirs] : [ours];
  for (const docker of engines) await docker("run", "-d", "--name", "bench-exec", "busybox:bench", "sleep", "100000");
  await compare("exec", "≤ 0.5", (docker) => docker("exec", "bench-exec", "true"));
  for (const docker of engines) await docker("rm", "-f", "bench-exec");
}

/** An image of 200 MB in two layers of incompressible files, as `docker save` writes it. */
async function compareLoad(): Promise<void> {
  if (!wanted("load")) return;
  const archive = join(host.dir, "large.tar");
  const layer = join(host.dir, "layer");
  await checked(
    run("sh", [
      "-c",
      `mkdir -p ${layer} && for i in $(seq 1 400); do head -c 524288 /dev/urandom > ${layer}/f$i; done`,
    ]),
  );
  const importer = `tar -C ${layer} -c . | docker import - large:bench && docker save -o ${archive} large:bench && docker rmi large:bench`;
  const source = peer ?? host.dockerHost;
  if (!peer) return;
  await checked(run("sh", ["-c", importer], { env: { DOCKER_HOST: source } }));
  const load = async (docker: Docker): Promise<number> => {
    const took = await timed(() => docker("load", "-q", "-i", archive));
    await docker("rmi", "large:bench");
    return took;
  };
  await load(ours);
  await load(theirs);
  const pairs: Array<readonly [number, number]> = [];
  for (let index = 0; index < Math.max(3, Math.round(runs / 4)); index++)
    pairs.push([await load(ours), await load(theirs)]);
  add(
    "load of 200 MB",
    {
      ours: median(pairs.map(([a]) => a)),
      theirs: median(pairs.map(([, b]) => b)),
      ratio: median(pairs.map(([a, b]) => a / b)),
    },
    "≤ 1.0",
  );
  await rm(layer, { recursive: true });
}

/** `engine.run()` in a process of the host, against a bare `crun run` of the same bundle. */
async function embedded(): Promise<void> {
  if (!wanted("engine.run")) return;
  await using other = await TestHost.make();
  const tar = join(other.dir, "busybox.tar");
  await writeFile(tar, busyboxTar());
  const script = join(import.meta.dirname, "embedded.ts");
  const { stdout } = await checked(
    other.exec(process.execPath, [script, other.dir, tar, String(runs)], { timeout: 300_000 }),
  );
  const figures = JSON.parse(stdout) as Record<string, Pair>;
  for (const [name, pair] of Object.entries(figures)) add(`engine.run, ${name}, against crun run`, pair, "≤ 3");
}

async function memory(): Promise<void> {
  if (!wanted("memory")) return;
  const count = 100;
  // A daemon of its own: what the other cases left behind in memory is not what is asked.
  await using fresh = await TestHost.make();
  await fresh.start();
  await ownImage((input) => fresh.docker(["import", "-", "busybox:bench"], { input }));
  for (let index = 0; index < count; index++)
    await checked(fresh.docker(["run", "-d", "busybox:bench", "sleep", "100000"]));
  const shims = pids(/^keelson-shim/);
  const pss = shims.map((pid) => kilobytes(pid, "smaps_rollup", "Pss"));
  rows.push([`shim, PSS of ${shims.length}`, `${(median(pss) / 1024).toFixed(2)} MiB`, "", "", "≤ 0.4 MiB"]);
  // At rest: the engine gives memory back two seconds after a burst of work.
  await later(5000);
  const resident = kilobytes(fresh.daemon!.pid!, "status", "VmRSS");
  rows.push([`daemon after ${count} containers`, `${(resident / 1024).toFixed(0)} MiB`, "", "", "≤ 120 MiB"]);
}

function pids(title: RegExp): number[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .filter((name) => {
      try {
        return title.test(readFileSync(`/proc/${name}/cmdline`, "utf8"));
      } catch {
        return false;
      }
    })
    .map(Number);
}

function kilobytes(pid: number, file: string, field: string): number {
  return Number(new RegExp(`^${field}:\\s+(\\d+) kB`, "m").exec(readFileSync(`/proc/${pid}/${file}`, "utf8"))?.[1]);
}

async function ownImage(load: (input: Buffer) => Promise<Output>): Promise<void> {
  await checked(load(busyboxTar()));
}

async function checked(output: Promise<Output>): Promise<Output> {
  const result = await output;
  if (result.code !== 0) throw new Error(`exit code ${result.code}: ${result.stderr}\n${host.log}`);
  return result;
}

function add(name: string, pair: Pair, target: string): void {
  const ms = (value: number): string => (Number.isNaN(value) ? "" : `${value.toFixed(1)} ms`);
  rows.push([name, ms(pair.ours), ms(pair.theirs), Number.isNaN(pair.ratio) ? "" : pair.ratio.toFixed(2), target]);
  process.stderr.write(`${rows.at(-1)!.join("  ")}\n`);
}

function print(): void {
  const [header, ...body] = rows;
  const lines = [header!, header!.map(() => "---"), ...body].map((row) => `| ${row.join(" | ")} |`);
  process.stdout.write(`${lines.join("\n")}\n`);
}
