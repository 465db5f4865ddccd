import { Readable } from "node:stream";
import { corrupt } from "../../base/errors.ts";

/**
 * Reads a stream that belongs to somebody else. Destroying this one leaves the other as it is, paused: the body of a
 * request must outlive a failed load, or its connection would be gone before the error could be answered.
 */
export function borrowed(source: Readable): Readable {
  const reader = new Readable({
    highWaterMark: 1024 * 1024,
    read: () => void source.resume(),
    destroy(error, done) {
      source.off("data", take).off("end", end).off("error", fail).off("close", closed).pause();
      // Whatever it still fails of has no reader any more.
      source.on("error", () => {});
      done(error);
    },
  });
  const take = (chunk: Buffer): void => {
    if (!reader.push(chunk)) source.pause();
  };
  const end = (): void => void reader.push(null);
  const fail = (error: Error): void => void reader.destroy(error);
  const closed = (): void => {
    if (!source.readableEnded) reader.destroy(corrupt("unexpected EOF"));
  };
  // It may fail before anybody reads: the reader will see the error then.
  reader.on("error", () => {});
  source.on("data", take).on("end", end).on("error", fail).on("close", closed);
  source.pause();
  if (source.readableEnded) end();
  else if (source.destroyed) closed();
  return reader;
}
