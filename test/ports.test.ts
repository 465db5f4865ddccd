/** Published ports that clash, in ranges, at random, and many at once. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { after, afterEach, before, test } from "node:test";
import { importBusybox } from "./busybox.ts";
import { TestHost } from "./host.ts";
import { figuresOf, returnsTo, settlesTo, stateOf } from "./state.ts";

let host: TestHost;
before(async () => {
  host = await TestHost.make();
  await host.start();
  await importBusybox(host);
});
after(() => host?.[Symbol.asyncDispose]());
afterEach(async () => {
  const { stdout } = await host.docker(["ps", "-aq"]);
  const ids = stdout.split("\n").filter(Boolean);
  if (ids.length > 0) await docker("rm", "-fv", ...ids);
});

async function docker(...args: string[]): Promise<string> {
  const out = await host.docker(args);
  assert.equal(out.code, 0, `docker ${args.join(" ")}: ${out.stderr}\n${host.log.slice(-4000)}`);
  return out.stdout.trim();
}

const sleep = ["busybox", "sleep", "100000"];
const serve = ["busybox", "sh", "-c", "mkdir -p /www; echo page > /www/index.html; exec httpd -f -p 80 -h /www"];

async function page(url: string): Promise<string> {
  const out = await host.exec("curl", [
    "-gfsS",
    "--max-time",
    "5",
    "--retry",
    "10",
    "--retry-delay",
    "0",
    "--retry-connrefused",
    url,
  ]);
  assert.equal(out.code, 0, `${url}: ${out.stderr}`);
  return out.stdout;
}

const holds: ReadonlyArray<readonly [what: string, server: string[], publish: string]> = [
  ["every address", ["-p", "18081"], "18081:80"],
  ["127.0.0.1 alone", ["-p", "127.0.0.1:18082"], "18082:80"],
  ["IPv6 alone", ["-p", "[::1]:18083"], "18083:80"],
  ["every address, and one is asked for", ["-p", "18084"], "127.0.0.1:18084:80"],
];

for (const [what, server, publish] of holds)
  test(`a port that a process holds on ${what} is refused by the process's name and pid`, async () => {
    const clean = await stateOf(host);
    const holder = host.spawn("busybox", ["httpd", "-f", ...server], { stdio: "ignore" });
    await once(holder, "spawn");
    try {
      const port = /(\d+)$/.exec(server.at(-1)!)![1]!;
      await host.exec("sh", ["-c", `until ss -Hltn | grep -q :${port}; do sleep 0.01; done`], { timeout: 10_000 });
      const out = await host.docker(["run", "-d", "--name", "loser", "-p", publish, ...sleep]);
      assert.equal(out.code, 125, out.stdout);
      assert.match(out.stderr, new RegExp(port));
      assert.match(out.stderr, new RegExp(`\\b${holder.pid}\\b`), out.stderr);
      assert.match(out.stderr, /busybox|httpd/);
      await docker("rm", "loser");
      await returnsTo(host, clean);
    } finally {
      holder.kill();
    }
  });

test("a port that a container holds is refused by the container's name, and free when that has gone", async () => {
  await docker("run", "-d", "--name", "winner", "-p", "18090:80", ...sleep);
  const clean = await stateOf(host);
  for (const publish of ["18090:80", "127.0.0.1:18090:81", "[::1]:18090:80"]) {
    const out = await host.docker(["run", "-d", "--name", "loser", "-p", publish, ...sleep]);
    assert.equal(out.code, 125);
    assert.match(out.stderr, /18090/);
    assert.match(out.stderr, /winner/, out.stderr);
    await docker("rm", "loser");
    await returnsTo(host, clean);
  }
  await docker("run", "-d", "--name", "udp", "-p", "18090:80/udp", ...sleep);
  await docker("stop", "-t", "0", "winner");
  await docker("run", "-d", "--name", "next", "-p", "18090:80", ...serve);
  assert.equal(await page("http://127.0.0.1:18090/"), "page\n");
  const again = await host.docker(["start", "winner"]);
  assert.match(again.stderr, /next/);
  assert.equal(await docker("inspect", "-f", "{{.State.Status}}", "winner"), "exited");
});

test("of many that want one port at once, one has it", async () => {
  const clean = await stateOf(host);
  const outs = await Promise.all(
    Array.from({ length: 8 }, (_, index) =>
      host.docker(["run", "-d", "--name", `many-${index}`, "-p", "18100:80", ...sleep]),
    ),
  );
  assert.equal(outs.filter(({ code }) => code === 0).length, 1, outs.map(({ stderr }) => stderr).join(""));
  for (const { code, stderr } of outs) if (code !== 0) assert.match(stderr, /18100/);
  await docker("rm", "-f", ...Array.from({ length: 8 }, (_, index) => `many-${index}`));
  await returnsTo(host, clean);
});

test("a range of host ports gives each container the next free one, until it is used up", async () => {
  const ports: string[] = [];
  for (const name of ["a1", "a2", "a3"]) {
    await docker("run", "-d", "--name", name, "-p", "18110-18112:80", ...sleep);
    ports.push(...new Set((await docker("port", name, "80")).split("\n").map((line) => line.replace(/.*:/, ""))));
  }
  assert.deepEqual(ports.sort(), ["18110", "18111", "18112"]);
  const out = await host.docker(["run", "-d", "--name", "a4", "-p", "18110-18112:80", ...sleep]);
  assert.equal(out.code, 125);
  assert.match(out.stderr, /port/);
  await docker("rm", "-f", "a2");
  await docker("run", "-d", "--name", "a5", "-p", "18110-18112:80", ...sleep);
});

test("a range onto a range is taken port by port", async () => {
  await docker("run", "-d", "--name", "range", "-p", "18120-18122:80-82", ...sleep);
  for (const [container, hostPort] of [
    ["80", "18120"],
    ["81", "18121"],
    ["82", "18122"],
  ] as const)
    assert.match(await docker("port", "range", container), new RegExp(`^0\\.0\\.0\\.0:${hostPort}$`, "m"));
});

test("random ports are the same on IPv4 and IPv6, and both lead to the container", async () => {
  for (let index = 0; index < 5; index++) await docker("run", "-d", "--name", `r${index}`, "-p", "80", ...serve);
  const seen = new Set<string>();
  for (let index = 0; index < 5; index++) {
    const lines = (await docker("port", `r${index}`, "80")).split("\n");
    const [v4, v6] = [
      lines.find((line) => line.startsWith("0.0.0.0:")),
      lines.find((line) => line.startsWith("[::]:")),
    ];
    assert.ok(v4 && v6, lines.join(" "));
    const port = v4.split(":").at(-1)!;
    assert.equal(v6.split(":").at(-1), port);
    assert.ok(!seen.has(port));
    seen.add(port);
    assert.equal(await page(`http://127.0.0.1:${port}/`), "page\n");
    assert.equal(await page(`http://[::1]:${port}/`), "page\n");
  }
});

test("a hundred ports on one container", async () => {
  const clean = await stateOf(host);
  const figures = await figuresOf(host);
  const publish = Array.from({ length: 100 }, (_, index) => ["-p", `${19000 + index}:80`]).flat();
  await docker("run", "-d", "--name", "hundred", ...publish, ...serve);
  for (const port of [19000, 19050, 19099]) assert.equal(await page(`http://127.0.0.1:${port}/`), "page\n");
  assert.equal(await page("http://[::1]:19099/"), "page\n");
  await docker("rm", "-f", "hundred");
  await returnsTo(host, clean);
  await settlesTo(host, figures);
});

test("one port of a hundred is taken: nothing is published", async () => {
  const clean = await stateOf(host);
  const figures = await figuresOf(host);
  const holder = host.spawn("busybox", ["httpd", "-f", "-p", "19077"], { stdio: "ignore" });
  try {
    await host.exec("sh", ["-c", "until ss -Hltn | grep -q :19077; do sleep 0.01; done"], { timeout: 10_000 });
    const publish = Array.from({ length: 100 }, (_, index) => ["-p", `${19000 + index}:80`]).flat();
    const out = await host.docker(["run", "-d", "--rm", "--name", "hundred", ...publish, ...serve]);
    assert.equal(out.code, 125);
    assert.match(out.stderr, /19077/);
    await returnsTo(host, clean);
    await settlesTo(host, figures);
  } finally {
    holder.kill();
  }
});
