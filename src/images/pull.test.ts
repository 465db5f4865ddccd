import assert from "node:assert/strict";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { isKind } from "../base/errors.ts";
import type { Credentials, PullOptions, TransferEvent } from "./images.ts";
import { endpointsOf } from "./remote/endpoints.ts";
import { HttpClient } from "./remote/http.ts";
import { dockerArchive, type Fixture, fixture } from "./testing/fixtures.ts";
import { type House, openHouse } from "./testing/house.ts";
import { realRegistry } from "./testing/registries.ts";

let folder: string;
let archive: string;
let image: Fixture;

before(async () => {
  folder = await mkdtemp(join(tmpdir(), "keelson-pull-"));
  archive = join(folder, "image.tar");
  image = await fixture([[["base", Buffer.alloc(500_000, "base")]], [["top", "t"]]]);
  await writeFile(archive, await dockerArchive([{ image, tags: ["made:1"] }]));
});
after(() => rm(folder, { recursive: true }));

async function pull(house: House, name: string, options: PullOptions = {}) {
  const events: TransferEvent[] = [];
  const made = await house.images.pull(house.op(), name, { ...options, onProgress: (event) => events.push(event) });
  return {
    image: made,
    lines: events.map(({ status, id }) => (id === undefined ? status : `${id}: ${status}`)),
    events,
  };
}

test("pull from a real registry: layers, progress, names, and what is here is not fetched", async () => {
  await using registry = await realRegistry();
  await using house = await openHouse();
  await registry.push(archive, "lib/box:1");
  await registry.push(archive, "lib/box:2");
  const name = `${registry.host}/lib/box`;

  const first = await pull(house, `${name}:1`);
  assert.equal(first.image.id, image.id);
  assert.deepEqual(first.image.tags, [`${name}:1`]);
  assert.deepEqual(first.image.digests, [`${name}@${first.image.manifest.digest}`]);
  assert.equal(first.image.size, 500_001);
  const of = (status: string): number => first.lines.filter((line) => line.endsWith(`: ${status}`)).length;
  assert.deepEqual(
    ["Pulling fs layer", "Verifying Checksum", "Download complete", "Pull complete", "Already exists"].map(of),
    [2, 2, 2, 2, 0],
  );
  assert.equal(first.lines[0], "1: Pulling from lib/box");
  assert.deepEqual(first.lines.slice(-2), [
    `Digest: ${first.image.manifest.digest}`,
    `Status: Downloaded newer image for ${name}:1`,
  ]);
  const downloads = first.events.filter(({ status }) => status === "Downloading");
  assert.ok(downloads.some(({ current, total }) => current === total));

  assert.deepEqual((await pull(house, `${name}:1`)).lines, [
    "1: Pulling from lib/box",
    `Digest: ${first.image.manifest.digest}`,
    `Status: Image is up to date for ${name}:1`,
  ]);
  const all = await pull(house, name, { allTags: true });
  assert.deepEqual(all.image.tags, [`${name}:1`, `${name}:2`]);
  assert.equal(all.lines.at(-1), `Status: Downloaded newer image for ${name}`);
  const byDigest = await pull(house, `${name}@${first.image.manifest.digest}`);
  assert.equal(byDigest.image.id, image.id);
  assert.equal(house.actions()[0], `pull ${name}`);
  assert.equal(house.events[0]!.actor.id, `${name}:1`);

  assert.deepEqual(await house.images.remove(house.op(), `${name}:1`, {}), [{ untagged: `${name}:1` }]);
  const removed = await house.images.remove(house.op(), `${name}:2`, {});
  assert.deepEqual(removed.slice(0, 2), [
    { untagged: `${name}:2` },
    { untagged: `${name}@${first.image.manifest.digest}` },
  ]);
  assert.deepEqual(await house.blobs(), []);

  for (const [reference, options, message] of [
    [`${name}:nope`, {}, `manifest for ${name}:nope not found: manifest unknown: manifest unknown`],
    [
      `${registry.host}/nope`,
      { allTags: true },
      `repository ${registry.host}/nope not found: name unknown: repository name not known to registry`,
    ],
  ] as const) {
    await assert.rejects(pull(house, reference, options), { kind: "notFound", message });
  }
  assert.deepEqual(await house.blobs(), []);
});

test("pull with a login", async () => {
  await using registry = await realRegistry({ login: true });
  await using house = await openHouse();
  await registry.push(archive, "box:1");
  const name = `${registry.host}/box:1`;
  const as = (password: string): { credentials: Credentials } => ({ credentials: { username: "joe", password } });
  await assert.rejects(pull(house, name), (error: unknown) => {
    assert.ok(isKind(error, "unauthorized"), String(error));
    assert.match(error.message, /no basic auth credentials$/);
    return true;
  });
  await assert.rejects(pull(house, name, as("wrong")), {
    kind: "unauthorized",
    message: "unauthorized: authentication required",
  });
  assert.equal((await pull(house, name, as("secret"))).image.id, image.id);
});

test("pull over TLS: an unknown authority is refused unless its certificate or the registry is trusted", async () => {
  await using registry = await realRegistry({ tls: true });
  await registry.push(archive, "box:1");
  const port = registry.host.split(":")[1]!;
  // Loopback is always insecure, as in Docker.
  await using lenient = await openHouse();
  assert.equal((await pull(lenient, `${registry.host}/box:1`)).image.id, image.id);

  const certificates = join(folder, "certs.d");
  await mkdir(join(certificates, `localhost:${port}`), { recursive: true });
  await writeFile(join(certificates, `localhost:${port}`, "ca.crt"), registry.certificate);
  const [endpoint] = await endpointsOf(`localhost:${port}`, { insecureRegistries: [], mirrors: [], certificates });
  const url = new URL(`https://localhost:${port}/v2/`);
  const strict = new HttpClient(url, { ...endpoint!.trust, insecure: false }, 5000);
  const response = await strict.send(lenient.op(), { method: "GET", url });
  assert.equal(response.status, 200);
  response.body.destroy();
  strict.close();
  const blind = new HttpClient(url, { insecure: false }, 5000);
  await assert.rejects(blind.send(lenient.op(), { method: "GET", url }), {
    kind: "unavailable",
    message: `Get "https://localhost:${port}/v2/": tls: failed to verify certificate: x509: certificate signed by unknown authority`,
  });
  blind.close();
});

test("nobody there: Docker's words", async () => {
  await using house = await openHouse();
  await using registry = await realRegistry();
  await registry[Symbol.asyncDispose]();
  await assert.rejects(pull(house, `${registry.host}/x:1`), {
    kind: "unavailable",
    message: `Get "http://${registry.host}/v2/": dial tcp ${registry.host}: connect: connection refused`,
  });
  await assert.rejects(pull(house, "Foo"), { kind: "invalid" });
  await assert.rejects(pull(house, "x:1", { allTags: true }), {
    kind: "invalid",
    message: "tag can't be used with --all-tags/-a",
  });
});
