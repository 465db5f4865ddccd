import { keyByte } from "../../base/key-sequence.ts";
import { Failure } from "../failure.ts";

/** The keys that detach unless others are named: Ctrl-P, Ctrl-Q. */
export const defaultDetachKeys = "ctrl-p,ctrl-q";

/** The bytes of `ctrl-p,ctrl-q`, `a`, `ctrl-@`. Throws {@link Failure}. */
export function parseDetachKeys(text: string): number[] {
  return (text === "" ? defaultDetachKeys : text).split(",").map((key) => {
    const byte = keyByte(key);
    if (byte !== undefined) return byte;
    throw new Failure(`invalid detach keys (${text}): Unknown character: '${key}'`);
  });
}
