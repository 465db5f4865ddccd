/**
 * Many at once: containers in parallel by the docker client and over kept connections, and waves of them that come and go.
 * KEELSON_LOAD_PARALLEL and KEELSON_LOAD_CONTAINERS make it heavier.
 */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { importBusybox } from "./busybox.ts";
import { TestHost } from "./host.ts";
import { daemonFiles, daemonMemory, figuresOf, returnsTo, settlesTo, stateOf } from "./state.ts";
import { KeptAlive, openStream, unframe } from "./stream.ts";

const parallel = Number(process.env["KEELSON_LOAD_PARALLEL"] ?? 20);
const containers = Number(process.env["KEELSON_LOAD_CONTAINERS"] ?? 100);
const wave = 20;

let host: TestHost;
before(async () => {
  host = await TestHost.make();
  await host.start();
  await importBusybox(host);
  const warmed = await host.docker(["run", "--rm", "busybox", "true"]);
  assert.equal(warmed.code, 0, warmed.stderr);
});
after(() => host?.[Symbol.asyncDispose]());

test(`${parallel} docker clients run a container at once`, async () => {
  const [clean, figures] = [await stateOf(host), await figuresOf(host)];
  const runs = Array.from({ length: parallel }, async (_, index) => {
    const network = index % 4 === 0 ? ["--network", "none"] : [];
    const script = `echo out ${index}; echo err ${index} >&2; exit ${index}`;
    const out = await host.docker(["run", "--rm", ...network, "busybox", "sh", "-c", script]);
    assert.deepEqual(out, { stdout: `out ${index}\n`, stderr: `err ${index}\n`, code: index });
  });
  await Promise.all(runs);
  await returnsTo(host, clean);
  await settlesTo(host, figures);
});

test(`${parallel} containers at once over kept connections`, async () => {
  const [clean, figures, files] = [await stateOf(host), await figuresOf(host), daemonFiles(host)];
  {
    using api = new KeptAlive(host.socket, 8);
    await Promise.all(Array.from({ length: parallel }, (_, index) => runByApi(api, index)));
  }
  await returnsTo(host, clean);
  await settlesTo(host, figures, files);
});

/** What `docker run --rm` does: create, attach, start, wait for the removal. */
async function runByApi(api: KeptAlive, index: number): Promise<void> {
  const Cmd = ["sh", "-c", `echo out ${index}; echo err ${index} >&2; exit ${index}`];
  const created = await api.call("POST", "/containers/create", { Image: "busybox", Cmd });
  assert.equal(created.status, 201, created.text);
  const id = created.json.Id as string;
  const query = "stream=1&stdout=1&stderr=1";
  const upgrade = { Connection: "Upgrade", Upgrade: "tcp" };
  const { socket, status } = await openStream(host.socket, "POST", `/v1.51/containers/${id}/attach?${query}`, upgrade);
  assert.equal(status, 101);
  const output = collect(socket);
  const started = await api.call("POST", `/containers/${id}/start`);
  assert.equal(started.status, 204, started.text);
  assert.deepEqual(unframe(await output), { stdout: `out ${index}\n`, stderr: `err ${index}\n` });
  const waited = await api.call("POST", `/containers/${id}/wait`);
  assert.equal(waited.json.StatusCode, index);
  const removed = await api.call("DELETE", `/containers/${id}`);
  assert.equal(removed.status, 204, removed.text);
}

async function collect(source: AsyncIterable<Buffer> & { end(): void }): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of source) chunks.push(chunk);
  source.end();
  return Buffer.concat(chunks);
}

test(`${containers} containers come and go in waves of ${wave}`, async (t) => {
  const [clean, figures, files] = [await stateOf(host), await figuresOf(host), daemonFiles(host)];
  const before = daemonMemory(host);
  let most = before;
  const started = performance.now();
  {
    using api = new KeptAlive(host.socket, wave);
    for (let made = 0; made < containers; made += wave) {
      await Promise.all(Array.from({ length: wave }, (_, index) => comeAndGo(api, `storm-${made + index}`)));
      most = Math.max(most, daemonMemory(host));
    }
  }
  const seconds = (performance.now() - started) / 1000;
  t.diagnostic(
    `daemon ${before.toFixed(0)} MiB before, ${most.toFixed(0)} at most, ${daemonMemory(host).toFixed(0)} after`,
  );
  t.diagnostic(`${(containers / seconds).toFixed(1)} containers a second`);
  assert.ok(most < before + 150, `the daemon grew from ${before} to ${most} MiB`);
  await returnsTo(host, clean);
  await settlesTo(host, figures, files);
});

async function comeAndGo(api: KeptAlive, name: string): Promise<void> {
  const body = { Image: "busybox", Cmd: ["sleep", "1000"], HostConfig: { PortBindings: { "80/tcp": [{}] } } };
  const created = await api.call("POST", `/containers/create?name=${name}`, body);
  assert.equal(created.status, 201, created.text);
  const started = await api.call("POST", `/containers/${name}/start`);
  assert.equal(started.status, 204, started.text);
  const { json } = await api.call("GET", `/containers/${name}/json`);
  assert.equal(json.State.Running, true);
  const removed = await api.call("DELETE", `/containers/${name}?force=1`);
  assert.equal(removed.status, 204, removed.text);
}
