import { createHash, randomUUID } from "node:crypto";
import { type FileHandle, open, rename, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { corrupt, invalid, withKind } from "../base/errors.ts";
import type { Blob, Expected } from "./content.ts";

/** Bytes that are collected before they are written: one trip to the thread pool each. */
const writeSize = 1 << 20;

/**
 * A blob on its way into the store: bytes are hashed as they come, and written to a temporary file in pieces of about
 * a megabyte, one piece being written while the next one is hashed.
 */
export class IngestFile {
  readonly #hash = createHash("sha256");
  readonly #expected: Expected;
  readonly #file: FileHandle | undefined;
  readonly #path: string;
  #pending: Uint8Array[] = [];
  #pendingSize = 0;
  #size = 0;
  #writing: Promise<void> = Promise.resolve();

  private constructor(expected: Expected, path: string, file: FileHandle | undefined) {
    this.#expected = expected;
    this.#path = path;
    this.#file = file;
  }

  /** Opens a temporary file in the folder. */
  static async create(folder: string, expected: Expected): Promise<IngestFile> {
    const path = join(folder, randomUUID());
    return new IngestFile(expected, path, await open(path, "wx", 0o644));
  }

  /** For a blob that is in the store already: checked, and kept nowhere. */
  static dropping(expected: Expected): IngestFile {
    return new IngestFile(expected, "", undefined);
  }

  async write(chunk: unknown): Promise<void> {
    const bytes = typeof chunk === "string" ? Buffer.from(chunk) : chunk;
    if (!(bytes instanceof Uint8Array)) throw invalid("content: the source is not a stream of bytes");
    this.#size += bytes.length;
    if (this.#expected.size !== undefined && this.#size > this.#expected.size) {
      throw corrupt(`content is longer than the ${this.#expected.size} bytes that were announced`);
    }
    this.#hash.update(bytes);
    if (!this.#file) return;
    this.#pending.push(bytes);
    this.#pendingSize += bytes.length;
    if (this.#pendingSize >= writeSize) await this.#flush();
  }

  /** Waits until everything is on the disk, and checks size and digest. */
  async finish(): Promise<Blob> {
    await this.#flush();
    const { digest: wanted, size } = this.#expected;
    if (size !== undefined && this.#size !== size) {
      throw corrupt(`content ended after ${this.#size} bytes of the ${size} that were announced: unexpected EOF`);
    }
    const digest = `sha256:${this.#hash.digest("hex")}` as const;
    if (wanted !== undefined && digest !== wanted) {
      throw corrupt(`content does not match its digest: expected ${wanted}, got ${digest}`, { id: wanted });
    }
    await this.#writing;
    await this.#file?.sync();
    await this.#file?.close();
    return { digest, size: this.#size };
  }

  /** Gives the finished file its place. */
  async commit(path: string): Promise<void> {
    if (this.#file) await renameDurably(this.#path, path);
  }

  /** Forgets everything. */
  async discard(): Promise<void> {
    if (!this.#file) return;
    await this.#writing.catch(() => {});
    await this.#file.close().catch(() => {});
    await rm(this.#path, { force: true });
  }

  /** Starts to write what is pending once the write before has ended. */
  async #flush(): Promise<void> {
    const pieces = this.#pending;
    this.#pending = [];
    this.#pendingSize = 0;
    await this.#writing;
    if (!this.#file || pieces.length === 0) return;
    this.#writing = writeAll(this.#file, pieces);
    // The next flush, finish() or discard() sees the error; until then it must not count as unhandled.
    this.#writing.catch(() => {});
  }
}

async function writeAll(file: FileHandle, pieces: Uint8Array[]): Promise<void> {
  let { bytesWritten: done } = await file.writev(pieces);
  for (const piece of pieces) {
    // A short write: the disk is about to be full, and the next one says so.
    while (done < piece.length) done += (await file.write(piece, done, piece.length - done)).bytesWritten;
    done -= piece.length;
  }
}

/** Replaces a small file atomically and durably; the temporary file is made in `folder`, on the same file system. */
export async function commitFile(folder: string, path: string, bytes: Uint8Array): Promise<void> {
  const temporary = join(folder, randomUUID());
  try {
    const file = await open(temporary, "wx", 0o644);
    try {
      await file.writeFile(bytes);
      await file.sync();
    } finally {
      await file.close();
    }
    await renameDurably(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    throw withKind(error);
  }
}

/** rename(2), and the folder synced, so that the new name outlives a loss of power. */
async function renameDurably(from: string, to: string): Promise<void> {
  await rename(from, to);
  const folder = await open(dirname(to), "r");
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}
