import { spawn } from "node:child_process";
import { PassThrough, pipeline, type Readable } from "node:stream";
import { createGunzip, createZstdDecompress } from "node:zlib";
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

/** Reads the first bytes of a stream and puts them back. */
export async function sniff(source: Readable): Promise<Compression> {
  const chunks: Buffer[] = [];
  let length = 0;
  while (length < magicLength) {
    const chunk = await nextChunk(source);
    if (chunk === undefined) break;
    chunks.push(chunk);
    length += chunk.length;
  }
  const head = Buffer.concat(chunks);
  if (head.length > 0) source.unshift(head);
  return compressionOf(head);
}

/** The next chunk of a paused stream, or undefined at its end. */
function nextChunk(source: Readable): Promise<Buffer | undefined> {
  return new Promise((resolve, reject) => {
    const done = (finish: () => void): void => {
      source.off("readable", read).off("end", end).off("error", fail).off("close", closed);
      finish();
    };
    const read = (): void => {
      const chunk: Buffer | null = source.read();
      if (chunk !== null) done(() => resolve(chunk));
    };
    const end = (): void => done(() => resolve(undefined));
    const fail = (error: Error): void => done(() => reject(error));
    const closed = (): void => (source.readableEnded ? end() : fail(corrupt("unexpected EOF")));
    source.on("readable", read).on("end", end).on("error", fail).on("close", closed);
    if (source.destroyed) closed();
    else if (source.readableEnded) end();
    else read();
  });
}

/** The uncompressed bytes of a stream. Errors of the source and of the decompressor surface on the result. */
export function decompress(source: Readable, compression: Compression): Readable {
  if (compression === "none") return source;
  if (compression === "xz" || compression === "bzip2") return throughProgram(source, compression);
  const inflate = compression === "gzip" ? createGunzip() : createZstdDecompress();
  const out = new PassThrough();
  pipeline(source, inflate, (error) => error && out.destroy(asCorrupt(error, compression)));
  pipeline(inflate, out, () => {});
  return out;
}

/** xz and bzip2 are not in Node: as Docker does, the machine's program of that name is used. */
function throughProgram(source: Readable, program: "xz" | "bzip2"): Readable {
  const out = new PassThrough();
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
