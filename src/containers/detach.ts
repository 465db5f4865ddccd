import { Duplex, Transform } from "node:stream";
import { invalid } from "../base/errors.ts";
import { KeySequence, keyByte } from "../base/key-sequence.ts";

/** Ctrl-P Ctrl-Q. */
export const defaultDetachKeys: readonly number[] = [16, 17];

/** Parses `ctrl-p,ctrl-q` or `a,ctrl-]` to bytes. Throws `invalid` in Docker's words. */
export function parseDetachKeys(text: string): number[] {
  return text.split(",").map((key) => {
    const byte = keyByte(key);
    if (byte === undefined) throw invalid(`Invalid detach keys (${text}) provided`);
    return byte;
  });
}

/**
 * A terminal's stream that ends when the detach keys are typed, while the container goes on. `onDetach` is called once.
 */
export function detachable(stream: Duplex, keys: readonly number[], onDetach: () => void): Duplex {
  if (keys.length === 0) return stream;
  const filter = new KeySequence(keys);
  const input = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      const { pass, complete } = filter.push(chunk);
      if (pass.length > 0) this.push(pass);
      if (complete) {
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
