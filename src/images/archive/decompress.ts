import { spawn } from "node:child_process";
import type { Hash } from "node:crypto";
import { PassThrough, pipeline, Readable } from "node:stream";
import { createGunzip, createZstdDecompress, type Gunzip, type ZstdDecompress } from "node:zlib";
import { corrupt, errnoOf, systemError, unavailable } from "../../base/errors.ts";

export type Compression = "none" | "gzip" | "zstd" | "xz" | "bzip2";

const magics: ReadonlyArray<readonly [Compression, readonly number[]]> = [
  ["gzip", [0x1f, 0x8b, 0x08]],
  ["zstd", [0x28, 0xb5, 0x2f, 0xfd]],
  ["xz", [0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00]],
  ["bzip2", [0x42, 0x5a, 0x68]],
];

/** How many first bytes {@link compressionOf} wants to see. */
export const magicLength = 6;

/** How a stream is compressed, by its first bytes. */
export function compressionOf(head: Uint8Array): Compression {
  return magics.find(([, magic]) => magic.every((byte, i) => head[i] === byte))?.[0] ?? "none";
}

/** Looks at the first bytes of a stream of bytes that nobody has begun to read; they stay in it. */
export function sniff(source: Readable): Promise<Compression> {
  return new Promise((resolve, reject) => {
    const done = (finish: () => void): void => {
      source.off("readable", look).off("end", end).off("error", fail).off("close", closed);
      finish();
    };
    const look = (): void => {
      const head: Buffer | null = source.read(magicLength);
      if (head === null) return;
      // In this very turn: once the stream has told its end, nothing can be put back.
      source.unshift(head);
      done(() => resolve(compressionOf(head)));
    };
    const end = (): void => done(() => resolve("none"));
    const fail = (error: Error): void => done(() => reject(error));
    const closed = (): void => fail(corrupt("unexpected EOF"));
    source.on("readable", look).on("end", end).on("error", fail).on("close", closed);
    if (source.destroyed) closed();
  });
}

/** The uncompressed bytes of a stream. Fails with what the source fails of, or `corrupt`. */
export function decompress(source: Readable, compression: Compression): Readable {
  if (compression === "none") return source;
  if (compression === "xz" || compression === "bzip2") return throughProgram(source, compression);
  const inflate = inflater(compression);
  pipeline(source, inflate, () => {});
  return Readable.from(inflated(inflate, compression), { objectMode: false, highWaterMark: 4 * chunkSize });
}

/** Passes a compressed stream on as it is, and hashes what it unpacks to on the way. */
export async function* hashedUncompressed(
  source: Readable,
  compression: "gzip" | "zstd",
  hash: Hash,
): AsyncGenerator<Buffer> {
  const inflate = inflater(compression);
  let failure: Error | undefined;
  const closed = new Promise((resolve) => inflate.once("close", resolve));
  inflate.on("data", (chunk: Buffer) => hash.update(chunk));
  inflate.on("error", (error: Error) => {
    failure = asCorrupt(error, compression);
  });
  try {
    for await (const chunk of source) {
      // What follows the end of the compressed data is stored too, but there is nothing left to hash.
      if (!inflate.destroyed && !inflate.write(chunk))
        await Promise.race([new Promise((resolve) => inflate.once("drain", resolve)), closed]);
      if (failure) throw failure;
      yield chunk as Buffer;
    }
    inflate.end();
    await closed;
    if (failure) throw failure;
  } finally {
    inflate.destroy();
  }
}

function inflater(compression: "gzip" | "zstd"): Gunzip | ZstdDecompress {
  return compression === "gzip" ? createGunzip({ chunkSize }) : createZstdDecompress({ chunkSize });
}

const chunkSize = 256 * 1024;

async function* inflated(inflate: Readable, compression: Compression): AsyncGenerator<Buffer> {
  try {
    for await (const chunk of inflate) yield chunk as Buffer;
  } catch (error) {
    throw asCorrupt(error as Error, compression);
  }
}

/** xz and bzip2 are not in Node: as Docker does, the machine's program of that name is used. */
function throughProgram(source: Readable, program: "xz" | "bzip2"): Readable {
  const out = new PassThrough();
  // The program may fail before anybody reads: the reader will see the error then.
  out.on("error", () => {});
  const child = spawn(program, ["-d", "-c", "-q"], { stdio: ["pipe", "pipe", "ignore"] });
  child.on("error", (error) =>
    out.destroy(
      errnoOf(error) === "ENOENT"
        ? unavailable(`exec: "${program}": executable file not found in $PATH`, { cause: error })
        : systemError(`${program}: ${error.message}`, { cause: error }),
    ),
  );
  child.on("close", (code) => (code === 0 ? out.end() : out.destroy(corrupt(`${program}: the data is corrupt`))));
  pipeline(source, child.stdin, (error) => {
    if (error && errnoOf(error) !== "EPIPE") out.destroy(asCorrupt(error, program));
  });
  child.stdout.pipe(out, { end: false });
  out.on("close", () => child.kill("SIGKILL"));
  return out;
}

/** zlib's errors are about the data; anything else (an aborted request, a full disk) stays what it is. */
function asCorrupt(error: Error, compression: Compression): Error {
  const errno = errnoOf(error) ?? "";
  if (errno === "Z_BUF_ERROR" || errno === "ERR_STREAM_PREMATURE_CLOSE")
    return corrupt("unexpected EOF", { cause: error });
  return errno.startsWith("Z") ? corrupt(`${compression}: invalid compressed data`, { cause: error }) : error;
}
