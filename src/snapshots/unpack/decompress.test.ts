import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { after, test } from "node:test";
import { deflateRawSync, gzipSync, zstdCompressSync } from "node:zlib";
import { isKind } from "../../base/errors.ts";
import { digestOf } from "../../oci/digest.ts";
import { tar } from "../testing/tar-writer.ts";
import { workbench } from "../testing/workbench.ts";
import { compressionOf, decompress } from "./decompress.ts";

const plain = Buffer.concat([randomBytes(300_000), Buffer.alloc(2_000_000, "abcdefg ")]);
const [one, two, three] = [plain.subarray(0, 10), plain.subarray(10, 1_000_000), plain.subarray(1_000_000)];
const skippable = Buffer.concat([Buffer.from([0x53, 0x2a, 0x4d, 0x18, 5, 0, 0, 0]), Buffer.from("hello")]);

const forms: Record<string, Buffer> = {
  "gzip in one member": gzipSync(plain),
  "gzip in several members": Buffer.concat([gzipSync(one), gzipSync(two), gzipSync(Buffer.alloc(0)), gzipSync(three)]),
  "zstd in one frame": zstdCompressSync(plain),
  "zstd in several frames": Buffer.concat([zstdCompressSync(one), zstdCompressSync(two), zstdCompressSync(three)]),
  "zstd with skippable frames": Buffer.concat([
    skippable,
    zstdCompressSync(one),
    skippable,
    zstdCompressSync(plain.subarray(10)),
    skippable,
  ]),
  "zstd with checksums": Buffer.concat([one, two, three].map((part) => zstdCompressSync(part, { params: { 201: 1 } }))),
  "no compression": plain,
};

async function unpacked(bytes: Buffer, size: number): Promise<Buffer> {
  const chunks = (async function* () {
    for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
  })();
  const out: Buffer[] = [];
  for await (const chunk of decompress(chunks, compressionOf(bytes))) out.push(chunk);
  return Buffer.concat(out);
}

for (const [name, bytes] of Object.entries(forms)) {
  test(`${name} is read`, async () => {
    for (const size of [1 << 18, 4093]) assert.ok((await unpacked(bytes, size)).equals(plain));
    const small = bytes.subarray(0, 0);
    assert.equal((await unpacked(small, 1)).length, 0);
  });
}

test("frames are found wherever the pieces are cut", async () => {
  const short = Buffer.concat([skippable, zstdCompressSync("hello "), zstdCompressSync(""), zstdCompressSync("world")]);
  for (let size = 1; size < 30; size++) assert.equal((await unpacked(short, size)).toString(), "hello world");
});

const archive = tar({ name: "x", content: randomBytes(100_000) });
const bench = await workbench({ after });

test("layers are unpacked from gzip and zstd", async () => {
  for (const stored of [gzipSync(archive), zstdCompressSync(archive), archive]) {
    assert.equal((await bench.unpack(archive, { stored })).size, 100_000);
  }
});

const damaged: Record<string, Buffer> = {
  "a truncated gzip": gzipSync(archive).subarray(0, 50_000),
  "a gzip that ends within its trailer": gzipSync(archive).subarray(0, -3),
  "a gzip with a wrong checksum": withFlip(gzipSync(archive), -6),
  "a damaged gzip": withFlip(gzipSync(archive), 20_000),
  "a gzip header with nothing behind": gzipSync(archive).subarray(0, 10),
  "a truncated zstd": zstdCompressSync(archive).subarray(0, 50_000),
  "a zstd header with nothing behind": zstdCompressSync(archive).subarray(0, 6),
  "a second zstd frame that is none": Buffer.concat([zstdCompressSync(archive), Buffer.from("what is this?")]),
  "a zstd with a bad block": withFlip(zstdCompressSync(Buffer.alloc(100_000, "text and more ")), 9),
  "deflate without a frame": deflateRawSync(archive),
};

function withFlip(bytes: Buffer, at: number): Buffer {
  bytes[at < 0 ? bytes.length + at : at]! ^= 0x55;
  return bytes;
}

for (const [name, stored] of Object.entries(damaged)) {
  test(`${name} is refused and leaves nothing`, async () => {
    await assert.rejects(bench.unpack(archive, { stored }), (error) => isKind(error, "corrupt"));
    assert.deepEqual(bench.leftovers(), []);
  });
}

test("bytes that do not hash to the diff ID are refused", async () => {
  const wrong = digestOf("something else");
  await assert.rejects(bench.unpack(archive, { diffId: wrong }), (error) => {
    assert.ok(isKind(error, "corrupt"));
    assert.match(error.message, new RegExp(`expected ${wrong}, got ${digestOf(archive)}`));
    return true;
  });
  assert.deepEqual(bench.leftovers(), []);
  // Bytes behind the archive's end count too.
  const longer = Buffer.concat([archive, Buffer.from("x")]);
  await assert.rejects(bench.unpack(archive, { stored: longer }), (error) => isKind(error, "corrupt"));
});
