import type { Writable } from "node:stream";

/** Writes, and waits where the reader is slower than we are. */
export async function write(target: Writable, bytes: Uint8Array | string): Promise<void> {
  if (target.destroyed || target.write(bytes)) return;
  await new Promise<void>((resolve) => {
    const done = (): void => {
      target.off("drain", done);
      target.off("close", done);
      target.off("error", done);
      resolve();
    };
    target.on("drain", done);
    target.on("close", done);
    target.on("error", done);
  });
}
