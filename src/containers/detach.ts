import { Duplex, Transform } from "node:stream";
import { invalid } from "../base/errors.ts";

/** Ctrl-P Ctrl-Q. */
export const defaultDetachKeys: readonly number[] = [16, 17];

/** Parses `ctrl-p,ctrl-q` or `a,ctrl-]` to bytes. Throws `invalid` in Docker's words. */
export function parseDetachKeys(text: string): number[] {
  return text.split(",").map((key) => {
    const control = /^ctrl-([a-z@[\]^_\\])$/i.exec(key)?.[1];
    if (control !== undefined) return control.toLowerCase().charCodeAt(0) & 0x1f;
    if (key.length === 1) return key.charCodeAt(0);
    throw invalid(`Invalid detach keys (${text}) provided`);
  });
}

/** Watches what a terminal types for the detach keys: everything before them passes, then `onDetach` is called. */
export class DetachFilter {
  readonly #keys: readonly number[];
  #matched = 0;

  constructor(keys: readonly number[]) {
    this.#keys = keys;
  }

  /** What may pass of `bytes`, and whether the keys were now complete. Keys half typed are held back until it is clear. */
  push(bytes: Uint8Array): { readonly pass: Uint8Array; readonly detached: boolean } {
    const out: number[] = [];
    for (const byte of bytes) {
      if (byte === this.#keys[this.#matched]) {
        this.#matched++;
        if (this.#matched === this.#keys.length) return { pass: Uint8Array.from(out), detached: true };
        continue;
      }
      out.push(...this.#keys.slice(0, this.#matched));
      this.#matched = byte === this.#keys[0] ? 1 : 0;
      if (this.#matched === 0) out.push(byte);
    }
    return { pass: Uint8Array.from(out), detached: false };
  }
}

/**
 * A terminal's stream that ends when the detach keys are typed, while the container goes on. `onDetach` is called once.
 */
export function detachable(stream: Duplex, keys: readonly number[], onDetach: () => void): Duplex {
  if (keys.length === 0) return stream;
  const filter = new DetachFilter(keys);
  const input = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      const { pass, detached } = filter.push(chunk);
      if (pass.length > 0) this.push(pass);
      if (detached) {
        onDetach();
        stream.destroy();
        output.end();
      }
      done();
    },
  });
  const output = new Transform({ transform: (chunk, _encoding, done) => done(null, chunk) });
  input.pipe(stream).pipe(output);
  const joined = Duplex.from({ writable: input, readable: output });
  stream.on("error", (error) => output.destroy(error));
  joined.on("close", () => stream.destroy());
  return joined;
}
