import { PassThrough, type Readable } from "node:stream";
import { corrupt, errnoOf } from "../base/errors.ts";

const headerSize = 8;

/**
 * Splits Docker's framed stream (Engine API, ContainerAttach) into stdout and stderr. Waits on whichever of them is not
 * read, so that memory stays bounded: resume what you do not want.
 */
export function demultiplex(framed: Readable): { readonly stdout: Readable; readonly stderr: Readable } {
  const stdout = new PassThrough();
  const stderr = new PassThrough();
  pump(framed, [stdout, stdout, stderr]).then(
    () => {
      stdout.end();
      stderr.end();
    },
    (error) => {
      // Cut short, as when the engine closes: what came is all that there is.
      const given = errnoOf(error) === "ERR_STREAM_PREMATURE_CLOSE" ? undefined : error;
      for (const stream of [stdout, stderr]) given ? stream.destroy(given) : stream.end();
    },
  );
  return { stdout, stderr };
}

async function pump(framed: Readable, targets: readonly PassThrough[]): Promise<void> {
  let bytes = Buffer.alloc(0);
  let left = 0;
  let target: PassThrough | undefined;
  for await (const chunk of framed as AsyncIterable<Buffer>) {
    bytes = bytes.length === 0 ? (chunk as Buffer<ArrayBuffer>) : Buffer.concat([bytes, chunk]);
    while (bytes.length > 0) {
      if (left === 0) {
        if (bytes.length < headerSize) break;
        target = targets[bytes[0]!];
        if (!target) throw corrupt(`an unknown stream ${bytes[0]} in a framed stream`);
        left = bytes.readUInt32BE(4);
        bytes = bytes.subarray(headerSize);
        continue;
      }
      const part = bytes.subarray(0, left);
      left -= part.length;
      bytes = bytes.subarray(part.length);
      if (!target!.write(part) && !target!.destroyed) await drained(target!);
    }
  }
}

/** Waits until a stream takes more, or nothing any more. */
function drained(stream: PassThrough): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      stream.off("drain", done).off("close", done);
      resolve();
    };
    stream.on("drain", done).on("close", done);
  });
}
