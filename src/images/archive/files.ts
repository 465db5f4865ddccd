import { posix } from "node:path";
import { pipeline, Readable } from "node:stream";
import { extract } from "tar-stream";
import { corrupt } from "../../base/errors.ts";
import type { Operation } from "../../base/operation.ts";
import type { ContentStore } from "../../content/content.ts";
import { type Digest, isDigest } from "../../oci/digest.ts";
import type { Lease } from "../collector.ts";
import { borrowed } from "./borrowed.ts";
import { type Compression, compressionOf, decompress, magicLength, sniff } from "./decompress.ts";
import { rootCause } from "./root-cause.ts";

/** A file of an archive: a small one is in memory, any other a blob of the content store. */
export type ArchiveFile =
  | { readonly bytes: Buffer; readonly compression: Compression }
  | { readonly digest: Digest; readonly size: number; readonly compression: Compression };

/** Files of at most so many bytes stay in memory until it is known whether they are used … */
const smallFile = 256 * 1024;
/** … as long as all of them together take no more than this. */
const smallTotal = 32 * 1024 * 1024;
const maxEntries = 200_000;
const blobName = /^blobs\/sha256\/([0-9a-f]{64})$/;

/**
 * The files of an image archive, taken in while it streams by: the order of its entries is not known beforehand, and
 * what they mean only stands in one of them. Names are keys here and never paths on the disk.
 */
export class ArchiveFiles {
  readonly #files: ReadonlyMap<string, ArchiveFile>;
  readonly #links: ReadonlyMap<string, string>;

  constructor(files: ReadonlyMap<string, ArchiveFile>, links: ReadonlyMap<string, string>) {
    this.#files = files;
    this.#links = links;
  }

  /** The file of that name, through symbolic and hard links. */
  get(name: string): ArchiveFile | undefined {
    let at = normalize(name);
    for (let hops = 0; hops < 16; hops++) {
      const target = this.#links.get(at);
      if (target === undefined) return this.#files.get(at);
      at = target;
    }
    return undefined;
  }
}

/** Reads an archive, plain or compressed, to its end. Throws `corrupt` where it is cut short or no archive. */
export async function readArchive(
  op: Operation,
  content: ContentStore,
  lease: Lease,
  archive: Readable,
): Promise<ArchiveFiles> {
  const files = new Map<string, Promise<ArchiveFile>>();
  const links = new Map<string, string>();
  const tar = extract();
  const source = borrowed(archive);
  const plain = decompress(source, await sniff(source));
  const abort = (): void => void plain.destroy(op.signal.reason as Error);
  op.signal.addEventListener("abort", abort, { once: true });
  const failures: unknown[] = [];
  for (const stream of [plain, tar]) stream.on("error", (error: Error) => failures.push(error));
  const piped = new Promise<void>((resolve, reject) => {
    pipeline(plain, tar, (error) => (error ? reject(error) : resolve()));
  });
  piped.catch(() => {});
  const reader = new EntryReader(op, content, lease);
  try {
    for await (const entry of tar) {
      const { name, type, linkname } = entry.header;
      const key = normalize(name);
      if (files.size + links.size >= maxEntries) throw corrupt(`the archive has more than ${maxEntries} entries`);
      if (type === "symlink") links.set(key, normalize(posix.join(posix.dirname(key), linkname ?? "")));
      else if (type === "link") links.set(key, normalize(linkname ?? ""));
      else if (type === "file" || type === "contiguous-file")
        files.set(key, (await reader.read(entry as unknown as Readable, key, entry.header.size ?? 0)).stored);
      entry.resume();
    }
    await piped;
    const done = await Promise.all([...files].map(async ([key, file]) => [key, await file] as const));
    return new ArchiveFiles(new Map(done), links);
  } catch (error) {
    plain.destroy();
    await reader.settled();
    op.check();
    throw rootCause([...reader.failures, ...failures, error]);
  } finally {
    op.signal.removeEventListener("abort", abort);
    plain.destroy();
    source.destroy();
  }
}

/** An entry that was read to its end; its file is stored a little later. */
interface Taken {
  readonly stored: Promise<ArchiveFile>;
}

/**
 * Takes in one entry after another. A blob's last steps, until it is safe on the disk, run while the next entry is
 * read.
 */
class EntryReader {
  readonly #op: Operation;
  readonly #content: ContentStore;
  readonly #lease: Lease;
  readonly #pending: Promise<ArchiveFile>[] = [];
  #inMemory = 0;
  readonly failures: unknown[] = [];

  constructor(op: Operation, content: ContentStore, lease: Lease) {
    this.#op = op;
    this.#content = content;
    this.#lease = lease;
  }

  /** Resolves once the entry was read to its end; what it resolves with is the file once that is stored. */
  async read(entry: Readable, name: string, size: number): Promise<Taken> {
    this.#op.check();
    if (this.failures.length > 0) throw this.failures[0];
    if (size <= smallFile && this.#inMemory + size <= smallTotal) {
      this.#inMemory += size;
      const bytes = await collect(entry);
      return { stored: Promise.resolve({ bytes, compression: compressionOf(bytes) }) };
    }
    const hex = blobName.exec(name)?.[1];
    if (hex !== undefined && isDigest(`sha256:${hex}`)) return this.#knownBlob(entry, `sha256:${hex}`, size);
    await this.#lease.everyBlob();
    return this.#ingest(entry, { size });
  }

  /** Resolves when nothing is being stored any more. */
  async settled(): Promise<void> {
    await Promise.allSettled(this.#pending);
  }

  /** A file of an OCI layout is named by its digest: one that is here already need not be read. */
  async #knownBlob(entry: Readable, digest: Digest, size: number): Promise<Taken> {
    await this.#lease.blob(digest);
    if ((await this.#content.size(digest)) !== size) return this.#ingest(entry, { digest, size });
    const head = new Head();
    for await (const chunk of entry) head.note(chunk as Buffer);
    return { stored: Promise.resolve({ digest, size, compression: compressionOf(head.bytes) }) };
  }

  async #ingest(entry: Readable, expected: { digest?: Digest; size: number }): Promise<Taken> {
    const head = new Head();
    const { promise: read, resolve } = Promise.withResolvers<void>();
    const noted = Readable.from(noting(entry, head, resolve), { objectMode: false, highWaterMark: 1024 * 1024 });
    const file = this.#content.ingest(this.#op, noted, expected).then(async (blob): Promise<ArchiveFile> => {
      await this.#lease.blob(blob.digest);
      return { ...blob, compression: compressionOf(head.bytes) };
    });
    file.catch((error: unknown) => this.failures.push(error));
    this.#pending.push(file);
    await Promise.race([read, file]);
    return { stored: file };
  }
}

async function* noting(entry: Readable, head: Head, onEnd: () => void): AsyncGenerator<Buffer> {
  for await (const chunk of entry) {
    head.note(chunk as Buffer);
    yield chunk as Buffer;
  }
  onEnd();
}

/** Keeps a stream's first bytes. */
class Head {
  bytes: Buffer = Buffer.alloc(0);

  note(chunk: Buffer): void {
    if (this.bytes.length < magicLength)
      this.bytes = Buffer.concat([this.bytes, chunk.subarray(0, magicLength - this.bytes.length)]);
  }
}

async function collect(entry: Readable): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of entry) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

/** `./a//b`, `/a/b` and `a/b` are one name; what climbs out of the archive stays a name that nothing has. */
function normalize(name: string): string {
  return posix.normalize(name).replace(/^\/+/, "").replace(/\/$/, "");
}
