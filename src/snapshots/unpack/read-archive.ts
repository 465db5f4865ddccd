import { createHash } from "node:crypto";
import { closeSync, openSync, readSync } from "node:fs";
import { compressionOf, decompress } from "./decompress.ts";
import { type Ring, RingWriter } from "./ring.ts";

const readSize = 256 << 10;
/** Compressed bytes between two reports of progress. */
const reportSize = 1 << 20;

/**
 * Reads an archive file, plain or compressed, and puts its uncompressed bytes into the ring. Resolves with the sha256
 * of those bytes in hex. `onProgress` gets the bytes of the file that were read so far.
 */
export async function readArchive(path: string, ring: Ring, onProgress: (bytes: number) => void): Promise<string> {
  const fd = openSync(path, "r");
  try {
    const writer = new RingWriter(ring);
    const hash = createHash("sha256");
    const first = Buffer.alloc(8);
    const compression = compressionOf(first.subarray(0, readSync(fd, first, 0, 8, 0)));
    const report = reporter(onProgress);
    if (compression === "none") {
      copyPlain(fd, writer, hash, report);
    } else {
      for await (const chunk of decompress(chunksOf(fd, report), compression)) {
        hash.update(chunk);
        writer.write(chunk);
      }
    }
    writer.end();
    return hash.digest("hex");
  } finally {
    closeSync(fd);
  }
}

/** Straight from the file into the shared memory. */
function copyPlain(fd: number, writer: RingWriter, hash: ReturnType<typeof createHash>, report: Report): void {
  for (let at = 0; ; ) {
    const space = writer.space(readSize);
    const length = readSync(fd, space, 0, space.length, at);
    if (length === 0) return;
    hash.update(space.subarray(0, length));
    writer.publish(length);
    at += length;
    report(length);
  }
}

async function* chunksOf(fd: number, report: Report): AsyncGenerator<Buffer> {
  for (let at = 0; ; ) {
    const chunk = Buffer.allocUnsafeSlow(readSize);
    const length = readSync(fd, chunk, 0, readSize, at);
    if (length === 0) return;
    at += length;
    report(length);
    yield chunk.subarray(0, length);
  }
}

type Report = (bytes: number) => void;

function reporter(onProgress: (bytes: number) => void): Report {
  let total = 0;
  let reported = 0;
  return (bytes) => {
    total += bytes;
    if (total - reported < reportSize) return;
    reported = total;
    onProgress(total);
  };
}
