import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { createReadStream } from "node:fs";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { PassThrough, Readable } from "node:stream";
import { test } from "node:test";
import { gzipSync, zstdCompressSync } from "node:zlib";
import { isKind } from "../../base/errors.ts";
import { Operation } from "../../base/operation.ts";
import { digestOf } from "../../oci/digest.ts";
import { mediaTypes } from "../../oci/image.ts";
import type { TransferEvent } from "../images.ts";
import {
  descriptor,
  dockerArchive,
  fixture,
  layoutBlobs,
  layoutDockerArchive,
  ociArchive,
  run,
  type Tagged,
  tar,
} from "../testing/fixtures.ts";
import { type House, openHouse } from "../testing/house.ts";

const big = Buffer.alloc(600_000, "a layer that is larger than what stays in memory ");
const base = [
  ["bin/tool", big],
  ["etc/name", "base"],
] as const;

async function twoImages(): Promise<Tagged[]> {
  const one = await fixture([base, [["one", "1"]]]);
  const two = await fixture([base, [["two", Buffer.alloc(700_000, "2")]]]);
  return [
    { image: one, tags: ["one:latest", "one:also"] },
    { image: two, tags: ["two:x"] },
  ];
}

const load = (house: House, archive: Buffer, options?: Parameters<House["images"]["load"]>[2]) =>
  house.images.load(house.op(), Readable.from([archive]), options);

/** The blobs that the store may hold: those that the images name. */
async function assertNoRest(house: House): Promise<void> {
  const named = new Set<string>();
  for (const image of house.images.list()) {
    const manifest = JSON.parse((await house.content.read(image.manifest.digest)).toString());
    for (const digest of [image.id, image.manifest.digest, ...manifest.layers.map((l: { digest: string }) => l.digest)])
      named.add(digest.slice(7));
  }
  assert.deepEqual((await house.blobs()).sort(), [...named].sort());
  const used = house.images.list().flatMap(({ config }) => config.rootfs.diff_ids);
  assert.ok(
    house.snapshots.layers().every(({ diffId }) => used.includes(diffId)),
    "no layer without an image",
  );
}

for (const [kind, write] of [
  ["Docker 20", dockerArchive],
  ["Docker 25 and later", layoutDockerArchive],
] as const) {
  test(`load takes several images of a docker-archive (${kind})`, async () => {
    await using house = await openHouse();
    const tagged = await twoImages();
    const { loaded } = await load(house, await write(tagged));
    assert.deepEqual(
      loaded.map(({ name, image }) => [name, image.id]),
      [
        ["one:latest", tagged[0]!.image.id],
        ["one:also", tagged[0]!.image.id],
        ["two:x", tagged[1]!.image.id],
      ],
    );
    assert.equal(house.snapshots.layers().length, 3, "the shared layer is unpacked once");
    const image = house.images.resolve("one");
    assert.equal(image.size, big.length + "base".length + 1);
    assert.deepEqual(image.tags, ["one:also", "one:latest"]);
    const top = await house.images.unpack(house.op(), image);
    assert.equal(await readFile(join(house.snapshots.layer(top!)!.path, "one"), "utf8"), "1");
    assert.deepEqual(
      house.actions(),
      tagged.map(({ image: { id } }) => `load ${id}`),
    );
    await assertNoRest(house);
  });
}

test("load keeps the archive's own manifest where it has one", async () => {
  await using house = await openHouse();
  const image = await fixture([base], { gzip: true });
  const { loaded } = await load(house, await layoutDockerArchive([{ image, tags: ["x:1"] }]));
  assert.equal(loaded[0]!.image.manifest.digest, image.manifestDescriptor.digest);
  await assertNoRest(house);
});

test("load reads gzip, zstd, xz and bzip2", async () => {
  await using house = await openHouse();
  const archive = await dockerArchive(await twoImages());
  for (const packed of [
    gzipSync(archive),
    zstdCompressSync(archive),
    execFileSync("xz", ["-c", "-0"], { input: archive, maxBuffer: 1 << 26 }),
    execFileSync("bzip2", ["-c"], { input: archive, maxBuffer: 1 << 26 }),
  ]) {
    assert.equal((await load(house, packed)).loaded.length, 3);
  }
});

test("load takes an OCI archive: names, platforms, attestations", async () => {
  await using house = await openHouse();
  const amd = await fixture([base], { gzip: true });
  const arm = await fixture([[["arm", big]]], { gzip: true, config: { architecture: "arm64" } });
  const index = Buffer.from(
    JSON.stringify({
      schemaVersion: 2,
      mediaType: mediaTypes.ociIndex,
      manifests: [
        { ...arm.manifestDescriptor, platform: { os: "linux", architecture: "arm64", variant: "v8" } },
        { ...amd.manifestDescriptor, platform: { os: "linux", architecture: "amd64" } },
        {
          ...arm.manifestDescriptor,
          platform: { os: "unknown", architecture: "unknown" },
          annotations: { "vnd.docker.reference.type": "attestation-manifest" },
        },
      ],
    }),
  );
  const top = {
    ...descriptor(mediaTypes.ociIndex, index),
    annotations: { "org.opencontainers.image.ref.name": "multi:1" },
  };
  const blobs = [...layoutBlobs([amd, arm]), [`blobs/sha256/${top.digest.slice(7)}`, index] as const];
  const archive = await ociArchive([top], blobs);
  const host = await load(house, archive, { platform: { os: "linux", architecture: "amd64" } });
  assert.deepEqual(
    host.loaded.map(({ name, image }) => [name, image.id]),
    [["multi:1", amd.id]],
  );
  assert.equal(host.loaded[0]!.image.index?.digest, top.digest);
  const other = await load(house, archive, { platform: { os: "linux", architecture: "arm64" } });
  assert.equal(other.loaded[0]!.image.id, arm.id);
  await assert.rejects(load(house, archive, { platform: { os: "linux", architecture: "s390x" } }), {
    kind: "notFound",
    message: "no matching manifest for linux/s390x in the manifest list entries",
  });
});

test("a bare tag in an OCI archive is no name", async () => {
  await using house = await openHouse();
  const image = await fixture([base]);
  const annotations = { "org.opencontainers.image.ref.name": "latest" };
  const { loaded } = await load(
    house,
    await ociArchive([{ ...image.manifestDescriptor, annotations }], layoutBlobs([image])),
  );
  assert.deepEqual(
    loaded.map(({ name, image: { id, tags } }) => ({ name, id, tags })),
    [{ name: undefined, id: image.id, tags: [] }],
  );
});

test("a name that moves is taken from the image that had it", async () => {
  await using house = await openHouse();
  const [one, two] = await twoImages();
  const seen: TransferEvent[] = [];
  await load(house, await dockerArchive([{ image: one!.image, tags: ["app:latest"] }]));
  await load(house, await dockerArchive([{ image: two!.image, tags: ["app:latest"] }]), {
    onProgress: (event) => seen.push(event),
  });
  assert.ok(
    seen.some(
      ({ status }) =>
        status === `The image app:latest already exists, renaming the old one with ID ${one!.image.id} to empty string`,
    ),
  );
  assert.equal(house.images.resolve("app").id, two!.image.id);
  assert.deepEqual(house.images.resolve(one!.image.id).tags, []);
});

test("loading what is here already changes nothing", async () => {
  await using house = await openHouse();
  const archive = await dockerArchive(await twoImages());
  await load(house, archive);
  const before = await house.blobs();
  await load(house, archive);
  assert.deepEqual(await house.blobs(), before);
  assert.equal(house.images.list().length, 2);
});

test("index.json lists the tags, for other tools to read the store", async () => {
  await using house = await openHouse();
  await load(house, await dockerArchive(await twoImages()));
  const index = JSON.parse(await readFile(join(house.root, "content", "index.json"), "utf8"));
  assert.deepEqual(
    index.manifests.map((entry: { annotations: object }) => Object.values(entry.annotations)[1]),
    ["docker.io/library/one:also", "docker.io/library/one:latest", "docker.io/library/two:x"],
  );
});

const damages: ReadonlyArray<readonly [string, (tagged: Tagged[]) => Promise<Buffer>, RegExp]> = [
  ["nothing at all", async () => Buffer.alloc(0), /neither manifest.json .* nor index.json/],
  ["no archive", async () => Buffer.alloc(5000, "no tar "), /archive\/tar: invalid tar header/],
  ["a tar of something else", async () => tar([["a", "b"]]), /neither manifest.json .* nor index.json/],
  ["cut in a header", async (t) => (await dockerArchive(t)).subarray(0, 200), /unexpected EOF/],
  ["cut in a layer", async (t) => (await dockerArchive(t)).subarray(0, 400_000), /unexpected EOF/],
  ["cut between entries", async (t) => cutBefore(await dockerArchive(t), "manifest.json"), /neither manifest.json/],
  ["a cut gzip stream", async (t) => gzipSync(await dockerArchive(t)).subarray(0, 2000), /unexpected EOF/],
  ["bad gzip data", async () => Buffer.concat([gzipSync("x").subarray(0, 10), Buffer.alloc(4000, 7)]), /gzip: invalid/],
  ["a manifest that is no JSON", async () => tar([["manifest.json", "[{"]]), /invalid manifest.json/],
  ["a manifest of another shape", async () => tar([["manifest.json", '[{"Config":1}]']]), /invalid manifest.json/],
  [
    "a missing layer",
    async ([one]) => tar([[`${one!.image.id.slice(7)}.json`, one!.image.config], manifestOf(one!, ["gone.tar", "b"])]),
    /gone.tar is missing/,
  ],
  ["a missing config", async ([one]) => tar([manifestOf(one!, ["a", "b"])]), /\.json is missing/],
  [
    "a wrong number of layers",
    async ([one]) => tar([[`${one!.image.id.slice(7)}.json`, one!.image.config], manifestOf(one!, [])]),
    /invalid manifest, layers length mismatch: expected 0, got 2/,
  ],
  [
    "layers in the wrong order",
    async ([one]) => {
      const [a, b] = one!.image.layers;
      const files = [
        ["a.tar", b!],
        ["b.tar", a!],
        [`${one!.image.id.slice(7)}.json`, one!.image.config],
      ] as const;
      return tar([...files, manifestOf(one!, ["a.tar", "b.tar"])]);
    },
    /invalid diffID for layer 0: expected "sha256:/,
  ],
  [
    "a bad name",
    async ([one]) => dockerArchive([{ image: one!.image, tags: ["Foo:x"] }]),
    /invalid reference format: repository name \(library\/Foo\) must be lowercase/,
  ],
  [
    "a blob that does not match its name",
    async ([one]) => {
      const entries = layoutBlobs([one!.image]).map(([name, bytes]) => {
        const changed = Buffer.from(bytes as Buffer);
        if (changed.length > 500_000) changed[5000]! ^= 1;
        return [name, changed] as const;
      });
      return ociArchive([one!.image.manifestDescriptor], entries);
    },
    /does not match its digest/,
  ],
  [
    "a layer that is no archive",
    async () => {
      const image = await fixture([base]);
      const junk = Buffer.alloc(400_000, "junk");
      const config = Buffer.from(
        JSON.stringify({ os: "linux", architecture: "amd64", rootfs: { type: "layers", diff_ids: [digestOf(junk)] } }),
      );
      return dockerArchive([{ image: { ...image, id: digestOf(config), config, layers: [junk] }, tags: ["j:1"] }]);
    },
    /./,
  ],
  [
    "an image of Windows",
    async () => {
      const image = await fixture([base], { config: { os: "windows" } });
      return dockerArchive([{ image, tags: ["w:1"] }]);
    },
    /cannot load windows image on linux/,
  ],
];

function manifestOf({ image, tags }: Tagged, layers: string[]): readonly [string, string] {
  return ["manifest.json", JSON.stringify([{ Config: `${image.id.slice(7)}.json`, RepoTags: tags, Layers: layers }])];
}

/** Cuts an archive at the header of an entry. */
function cutBefore(archive: Buffer, name: string): Buffer {
  return archive.subarray(0, archive.indexOf(Buffer.from(`${name}\0`)));
}

test("a load that fails says why and leaves nothing", async (t) => {
  await using house = await openHouse();
  for (const [what, make, message] of damages) {
    await t.test(what, async () => {
      const archive = await make(await twoImages());
      await assert.rejects(load(house, archive), (error: unknown) => {
        assert.ok(isKind(error), String(error));
        assert.ok(["corrupt", "invalid", "notFound"].includes(error.kind), error.kind);
        assert.match(error.message, message);
        return true;
      });
      assert.deepEqual(house.images.list(), []);
      assert.deepEqual(await house.blobs(), []);
      assert.deepEqual(house.snapshots.layers(), []);
      assert.deepEqual(house.events, []);
    });
  }
});

test("a failed load leaves the stream that it read open, for an answer to be sent on its connection", async () => {
  await using house = await openHouse();
  const body = new PassThrough();
  body.write(Buffer.alloc(2_000_000, "no tar "));
  await assert.rejects(house.images.load(house.op(), body), { kind: "corrupt" });
  assert.equal(body.destroyed, false);
});

test("an aborted load ends at once and leaves nothing", async () => {
  await using house = await openHouse();
  const archive = await dockerArchive(await twoImages());
  const body = new PassThrough();
  const stop = new AbortController();
  const loading = house.images.load(new Operation("load", stop.signal), body);
  body.write(archive.subarray(0, 500_000), () => stop.abort());
  await assert.rejects(loading, { kind: "cancelled" });
  assert.deepEqual(await house.blobs(), []);
  assert.deepEqual(house.images.list(), []);
});

test("load reads what skopeo writes", async () => {
  await using house = await openHouse();
  const [one] = await twoImages();
  const source = join(house.root, "source.tar");
  await writeFile(source, await dockerArchive([one!]));
  for (const [kind, name] of [
    ["docker-archive", "made/by:skopeo"],
    ["oci-archive", "made/by:skopeo-oci"],
  ]) {
    const target = join(house.root, `${kind}.tar`);
    await run("skopeo", [
      "copy",
      "--insecure-policy",
      "-q",
      `docker-archive:${source}:one:latest`,
      `${kind}:${target}:${name}`,
    ]);
    const { loaded } = await house.images.load(house.op(), createReadStream(target));
    assert.deepEqual(
      loaded.map((item) => item.name),
      [name],
    );
    assert.deepEqual(loaded[0]!.image.config.rootfs.diff_ids, one!.image.layers.map(digestOf));
  }
  const root = join(house.root, "content");
  const inspected = await run("skopeo", ["inspect", `oci:${root}:docker.io/made/by:skopeo-oci`]);
  assert.equal(JSON.parse(inspected.stdout).Architecture, "amd64");
  const copy = join(house.root, "copy");
  await run("skopeo", ["copy", "--insecure-policy", "-q", `oci:${root}:docker.io/made/by:skopeo`, `dir:${copy}`]);
});

const peer = process.env["KEELSON_PEER_DOCKER"];
test("load reads what a real Docker saves", {
  skip: peer ? false : "KEELSON_PEER_DOCKER names no Docker",
}, async () => {
  await using house = await openHouse();
  const name = `keelson-test-${process.pid}`;
  const docker = (...args: string[]) => run("docker", ["-H", peer!, ...args]);
  const [one] = await twoImages();
  const source = join(house.root, "source.tar");
  const target = join(house.root, "saved.tar");
  await writeFile(source, await dockerArchive([{ image: one!.image, tags: [`${name}:1`] }]));
  await docker("load", "-i", source);
  try {
    await docker("save", "-o", target, `${name}:1`);
    const { loaded } = await house.images.load(house.op(), createReadStream(target));
    assert.deepEqual(
      loaded.map((item) => [item.name, item.image.id]),
      [[`${name}:1`, one!.image.id]],
    );
  } finally {
    await docker("rmi", `${name}:1`);
  }
});
