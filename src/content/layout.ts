import { createReadStream } from "node:fs";
import { mkdir, open, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Readable } from "node:stream";
import { corrupt, errnoOf, invalid, notFound, withKind } from "../base/errors.ts";
import type { Operation } from "../base/operation.ts";
import { type Digest, digestHex, isDigest } from "../oci/digest.ts";
import { type Descriptor, mediaTypes } from "../oci/image.ts";
import type { Blob, ContentStore, Expected } from "./content.ts";
import { commitFile, IngestFile } from "./ingest.ts";

const readLimit = 4 << 20;

/**
 * Opens (or creates) the content store in `root`, which is an OCI image layout (OCI image-spec, image-layout.md) with
 * one folder of our own beside: `ingest/`, for what is being written. One process at a time: what `ingest/` holds now
 * was left by a process that died, and is removed. Throws `corrupt` where `root` is a layout of another version.
 */
export async function openContentStore(root: string): Promise<ContentStore> {
  const ingest = join(root, "ingest");
  try {
    await mkdir(root, { recursive: true, mode: 0o700 });
    await mkdir(join(root, "blobs", "sha256"), { recursive: true });
    await rm(ingest, { recursive: true, force: true });
    await mkdir(ingest);
    await checkLayout(join(root, "oci-layout"));
    const store = new LayoutStore(root);
    if ((await stat(join(root, "index.json")).catch(() => undefined)) === undefined) await store.writeIndex([]);
    return store;
  } catch (error) {
    throw withKind(error);
  }
}

async function checkLayout(path: string): Promise<void> {
  const text = await readFile(path, "utf8").catch(() => "");
  if (text === "") return writeFile(path, JSON.stringify({ imageLayoutVersion: "1.0.0" }));
  if (!/"imageLayoutVersion"\s*:\s*"1\./.test(text)) throw corrupt(`${path}: not an OCI image layout of version 1`);
}

async function overwrite(path: string, bytes: Buffer): Promise<void> {
  const file = await open(path, "r+");
  try {
    await file.write(bytes, 0, bytes.length, 0);
    await file.truncate(bytes.length);
  } catch (error) {
    throw withKind(error);
  } finally {
    await file.close();
  }
}

class LayoutStore implements ContentStore {
  readonly #root: string;

  constructor(root: string) {
    this.#root = root;
  }

  path(digest: Digest): string {
    if (!isDigest(digest)) throw invalid(`invalid digest format: ${JSON.stringify(String(digest).slice(0, 100))}`);
    return join(this.#root, "blobs", "sha256", digestHex(digest));
  }

  async size(digest: Digest): Promise<number | undefined> {
    try {
      return (await stat(this.path(digest))).size;
    } catch (error) {
      if (errnoOf(error) === "ENOENT") return undefined;
      throw withKind(error);
    }
  }

  async open(digest: Digest, range: { readonly start?: number } = {}): Promise<Readable> {
    const file = await this.#open(digest);
    return createReadStream("", { fd: file, start: range.start ?? 0, highWaterMark: 1 << 18 });
  }

  async read(digest: Digest, limit = readLimit): Promise<Buffer> {
    const file = await this.#open(digest);
    try {
      const { size } = await file.stat();
      if (size > limit) throw invalid(`${digest}: is ${size} bytes, more than the ${limit} that are read into memory`);
      return await file.readFile();
    } catch (error) {
      throw withKind(error);
    } finally {
      await file.close();
    }
  }

  async ingest(op: Operation, source: Readable, expected: Expected = {}): Promise<Blob> {
    op.check();
    const abort = (): unknown => source.destroy();
    op.signal.addEventListener("abort", abort, { once: true });
    try {
      return await this.#ingest(op, source, expected);
    } catch (error) {
      source.destroy();
      op.check();
      throw withKind(error);
    } finally {
      op.signal.removeEventListener("abort", abort);
    }
  }

  async put(op: Operation, bytes: Uint8Array, expected: Expected = {}): Promise<Blob> {
    op.check();
    return this.#ingest(op, [bytes], expected).catch((error: unknown) => {
      throw withKind(error);
    });
  }

  async remove(digest: Digest): Promise<void> {
    await rm(this.path(digest), { force: true }).catch((error: unknown) => {
      throw withKind(error);
    });
  }

  async list(): Promise<Digest[]> {
    const names = await readdir(join(this.#root, "blobs", "sha256"));
    return names.map((name) => `sha256:${name}`).filter(isDigest);
  }

  async writeIndex(manifests: readonly Descriptor[]): Promise<void> {
    const text = Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType: mediaTypes.ociIndex, manifests }));
    const path = join(this.#root, "index.json");
    const old = await readFile(path).catch(() => undefined);
    if (old?.equals(text)) return;
    try {
      await commitFile(join(this.#root, "ingest"), path, text);
    } catch (error) {
      // On a full disk an image must still be removable: a shorter index fits where the old one is.
      if (errnoOf(error) !== "ENOSPC" || old === undefined || text.length > old.length) throw withKind(error);
      await overwrite(path, text);
    }
  }

  async #open(digest: Digest): ReturnType<typeof open> {
    try {
      return await open(this.path(digest), "r");
    } catch (error) {
      if (errnoOf(error) === "ENOENT") throw notFound(`content ${digest}: not found`, { id: digest, cause: error });
      throw withKind(error);
    }
  }

  async #ingest(op: Operation, source: AsyncIterable<unknown> | Iterable<unknown>, expected: Expected): Promise<Blob> {
    const known = expected.digest !== undefined && (await this.size(expected.digest)) !== undefined;
    const file = known ? IngestFile.dropping(expected) : await IngestFile.create(join(this.#root, "ingest"), expected);
    try {
      for await (const chunk of source) {
        op.check();
        await file.write(chunk);
      }
      op.check();
      const blob = await file.finish();
      await file.commit(this.path(blob.digest));
      return blob;
    } catch (error) {
      await file.discard();
      throw error;
    }
  }
}
