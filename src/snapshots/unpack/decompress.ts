import type { Transform } from "node:stream";
import { createGunzip, createZstdDecompress } from "node:zlib";
import { corrupt, isKind } from "../../base/errors.ts";
import { ZstdFrames } from "./zstd-frames.ts";

export type Compression = "none" | "gzip" | "zstd";

/** Tells the compression from the first bytes (RFC 1952, RFC 8878); skippable zstd frames count as zstd. */
export function compressionOf(first: Uint8Array): Compression {
  const [a, b, c, d] = first;
  if (a === 0x1f && b === 0x8b && c === 0x08) return "gzip";
  if (a === 0x28 && b === 0xb5 && c === 0x2f && d === 0xfd) return "zstd";
  if (a !== undefined && a >> 4 === 5 && b === 0x2a && c === 0x4d && d === 0x18) return "zstd";
  return "none";
}

const chunkSize = 256 << 10;

/** The uncompressed bytes of the source. `corrupt` where it is truncated or damaged. */
export function decompress(source: AsyncIterable<Buffer>, compression: Compression): AsyncIterable<Buffer> {
  if (compression === "none") return source;
  return compression === "gzip" ? through(createGunzip({ chunkSize }), source, "gzip") : unzstd(source);
}

/** Runs the source through a decompressor, whose work is done on Node's thread pool. */
async function* through(engine: Transform, source: AsyncIterable<Buffer>, name: string): AsyncGenerator<Buffer> {
  const feeding = feed(engine, source);
  feeding.catch((error: unknown) => engine.destroy(error as Error));
  try {
    for await (const chunk of engine) yield chunk as Buffer;
    await feeding;
  } catch (error) {
    throw isKind(error) || !(error instanceof Error) || !/^(Z_|ZSTD_)/.test(codeOf(error))
      ? error
      : corrupt(`${name}: ${error.message}`, { cause: error });
  } finally {
    engine.destroy();
  }
}

async function feed(engine: Transform, source: AsyncIterable<Buffer>): Promise<void> {
  for await (const chunk of source) {
    if (engine.destroyed) return;
    if (!engine.write(chunk)) await drained(engine);
  }
  engine.end();
}

/** Resolves when the engine takes more, or never will. */
function drained(engine: Transform): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      engine.off("drain", done).off("close", done);
      resolve();
    };
    engine.on("drain", done).on("close", done);
    if (engine.destroyed) done();
  });
}

const codeOf = (error: Error): string => String((error as { code?: unknown }).code);

/** Each frame through a decompressor of its own. */
async function* unzstd(source: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  const frames = new ZstdFrames();
  const pieces = (async function* () {
    for await (const chunk of source) yield* frames.push(chunk);
    frames.finish();
  })();
  for (let next = await pieces.next(); !next.done; next = await pieces.next()) {
    const first = next.value;
    const frame = (async function* () {
      for (let piece = first; piece !== "end"; ) {
        yield piece.bytes;
        const following = await pieces.next();
        if (following.done) return;
        piece = following.value;
      }
    })();
    yield* through(createZstdDecompress({ chunkSize }), frame, "zstd");
  }
}
