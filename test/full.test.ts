/**
 * A data root that is full: each request fails with words that say so, leaves nothing half-made, and works again when
 * there is space. The host's disk is a tmpfs of a few megabytes.
 */
import assert from "node:assert/strict";
import { readFile, statfs, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { dockerArchive } from "./archive.ts";
import { importBusybox } from "./busybox.ts";
import { type Output, TestHost } from "./host.ts";
import { poll } from "./poll.ts";
import { figuresOf, inside, returnsTo, settlesTo, stateOf } from "./state.ts";

let host: TestHost;
before(async () => {
  host = await TestHost.make({ size: "40m" });
  await host.start();
  await importBusybox(host);
  await docker("run", "-d", "--name", "good", "busybox", "sleep", "100000");
});
after(() => host?.[Symbol.asyncDispose]());

async function docker(...args: string[]): Promise<string> {
  const out = await host.docker(args);
  assert.equal(out.code, 0, `docker ${args.join(" ")}: ${out.stderr}\n${host.log.slice(-4000)}`);
  return out.stdout.trim();
}

const full = /no space left on device/i;

function isFull(out: Output, what: string): void {
  assert.notEqual(out.code, 0, what);
  assert.match(out.stderr, full, `${what}: ${out.stdout}${out.stderr}`);
}

const filler = () => inside(host, "data/filler");

/** Fills the disk to the last page, but for `spare` bytes. */
async function fill(spare = 0): Promise<void> {
  const { bavail, bsize } = await statfs(inside(host, "data"));
  await writeFile(filler(), Buffer.alloc(Math.max(0, bavail * bsize - spare)));
}

async function free(): Promise<void> {
  await host.exec("rm", ["-f", join(host.dir, "data/filler")]);
}

test("load, import and pull of an image that is too large fail and leave nothing", async () => {
  const clean = await stateOf(host);
  const figures = await figuresOf(host);
  const archive = dockerArchive("full:large", 40, 1 << 20);
  isFull(await host.docker(["load"], { input: archive }), "load");
  await returnsTo(host, clean);
  isFull(await host.docker(["import", "-", "full:large"], { input: archive }), "import");
  await returnsTo(host, clean);
  await withRegistry(archive, async (reference) => {
    isFull(await host.docker(["pull", reference]), "pull");
    await returnsTo(host, clean);
  });
  await settlesTo(host, figures);
  const small = dockerArchive("full:small", 1, 1 << 20);
  const loaded = await host.docker(["load"], { input: small });
  assert.equal(loaded.code, 0, loaded.stderr);
  await docker("rmi", "full:small");
  await returnsTo(host, clean);
});

/** Debian's registry inside the host, with the archive's image in it. */
async function withRegistry(archive: Buffer, body: (reference: string) => Promise<void>): Promise<void> {
  const config = join(host.dir, "registry.yml");
  const store = join(host.dir, "registry");
  await writeFile(
    config,
    `version: 0.1\nstorage: {filesystem: {rootdirectory: ${store}}}\nhttp: {addr: "127.0.0.1:5000"}\n`,
  );
  const registry = host.spawn("docker-registry", ["serve", config], { stdio: "ignore" });
  try {
    await poll(
      "the registry answers",
      async () => (await host.exec("curl", ["-fsS", "http://127.0.0.1:5000/v2/"])).code === 0,
    );
    const file = join(host.dir, "large.tar");
    await writeFile(file, archive);
    const copy = ["copy", "--dest-tls-verify=false", `docker-archive:${file}`, "docker://127.0.0.1:5000/full:large"];
    const pushed = await host.exec("skopeo", ["--insecure-policy", ...copy]);
    assert.equal(pushed.code, 0, pushed.stderr);
    await body("127.0.0.1:5000/full:large");
  } finally {
    registry.kill();
  }
}

test("a container that fills its root is told so, and goes with all that it wrote", async () => {
  const clean = await stateOf(host);
  const out = await host.docker(["run", "--rm", "busybox", "dd", "if=/dev/zero", "of=/big", "bs=64k", "count=10000"]);
  isFull(out, "dd");
  await returnsTo(host, clean);
  assert.equal(await docker("run", "--rm", "busybox", "echo", "hi"), "hi");
});

for (const spare of [0, 4096, 16384, 65536, 262144])
  test(`with ${spare} bytes left: create, run, volume create and tag fail or work, and leave nothing`, async () => {
    const clean = await stateOf(host);
    const figures = await figuresOf(host);
    await fill(spare);
    try {
      const requests = [
        ["create", "--name", "late", "-v", "/data", "busybox", "true"],
        ["run", "--name", "late", "busybox", "true"],
        ["run", "--rm", "busybox", "true"],
        ["volume", "create", "late"],
        ["tag", "busybox", "late:late"],
      ];
      for (const args of requests) {
        const out = await host.docker(args);
        if (out.code !== 0) isFull(out, `docker ${args.join(" ")}`);
        await host.docker(["rm", "-fv", "late"]);
        await host.docker(["volume", "rm", "-f", "late"]);
        await host.docker(["rmi", "late:late"]);
      }
      // What runs already does not need the disk.
      assert.equal(await docker("exec", "good", "echo", "hi"), "hi");
      assert.equal(await docker("inspect", "-f", "{{.State.Status}}", "good"), "running");
    } finally {
      await free();
    }
    await host.docker(["rm", "-fv", "late"]);
    await host.docker(["volume", "rm", "-f", "late"]);
    await host.docker(["rmi", "late:late"]);
    await returnsTo(host, clean);
    await settlesTo(host, figures);
    assert.equal(await docker("run", "--rm", "busybox", "echo", "hi"), "hi");
  });

test("a container that logs to a full disk goes on, and is logged again when there is space", async () => {
  const clean = await stateOf(host);
  await fill();
  await free();
  const id = await docker(
    "run",
    "-d",
    "-i",
    "--name",
    "logger",
    "busybox",
    "sh",
    "-c",
    "while read line; do echo $line; done",
  );
  await fill();
  const input = host.spawn("docker", ["attach", "--sig-proxy=false", "logger"], {
    env: { ...process.env, DOCKER_HOST: host.dockerHost },
    stdio: ["pipe", "pipe", "ignore"],
  });
  let seen = "";
  input.stdout!.on("data", (chunk: Buffer) => {
    seen += chunk.toString();
  });
  const long = "x".repeat(1000);
  for (let line = 0; line < 100; line++) input.stdin!.write(`${long}\n`);
  input.stdin!.write("while full\n");
  // An attached client has every line, whatever the disk says.
  await poll("the client has it", () => seen.includes("while full"));
  await free();
  input.stdin!.write("space again\n");
  await poll("the log has it", async () => (await docker("logs", "--tail", "1", "logger")) === "space again");
  const log = await readFile(inside(host, "data/containers", id, `${id}-json.log`), "utf8");
  for (const line of log.split("\n").filter(Boolean)) assert.doesNotThrow(() => JSON.parse(line), line.slice(0, 200));
  input.kill();
  await docker("rm", "-f", "logger");
  await returnsTo(host, clean);
});

test("containers end and are removed while the disk is full, and a new daemon agrees", async () => {
  const clean = await stateOf(host);
  for (const name of ["ends", "goes", "stops"])
    await docker("run", "-d", "-i", "--name", name, "busybox", "sh", "-c", "read x; exit 7");
  await fill();
  await host.docker(["attach", "--sig-proxy=false", "ends"], { input: "\n" });
  assert.equal(await docker("wait", "ends"), "7");
  await docker("rm", "-f", "goes");
  await docker("stop", "-t", "0", "stops");
  assert.equal(await docker("inspect", "-f", "{{.State.ExitCode}}", "ends"), "7");
  await host.stop("SIGKILL");
  await host.start();
  assert.equal(await docker("exec", "good", "echo", "hi"), "hi");
  assert.equal(await docker("inspect", "-f", "{{.State.Status}} {{.State.ExitCode}}", "ends"), "exited 7");
  await free();
  await docker("rm", "-f", "ends", "stops");
  await returnsTo(host, clean);
  assert.equal(await docker("run", "--rm", "busybox", "echo", "hi"), "hi");
});

test("an image can be removed from a full disk, and makes space", async () => {
  const clean = await stateOf(host);
  const loaded = await host.docker(["load"], { input: dockerArchive("full:heavy", 4, 1 << 20) });
  assert.equal(loaded.code, 0, loaded.stderr);
  await fill();
  await docker("rmi", "full:heavy");
  await poll("there is space again", async () => (await statfs(inside(host, "data"))).bavail * 4096 > 4 << 20);
  assert.equal(await docker("run", "--rm", "busybox", "echo", "hi"), "hi");
  await free();
  await returnsTo(host, clean);
});
