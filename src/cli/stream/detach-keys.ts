import { Failure } from "../failure.ts";

/** The keys that detach unless others are named: Ctrl-P, Ctrl-Q. */
export const defaultDetachKeys = "ctrl-p,ctrl-q";

const controls: Readonly<Record<string, number>> = { "@": 0, "[": 27, "\\": 28, "]": 29, "^": 30, _: 31 };

/** The bytes of `ctrl-p,ctrl-q`, `a`, `ctrl-@`. Throws {@link Failure}. */
export function parseDetachKeys(text: string): number[] {
  return (text === "" ? defaultDetachKeys : text).split(",").map((key) => {
    if ([...key].length === 1 && key.charCodeAt(0) < 128) return key.charCodeAt(0);
    const control = key.startsWith("ctrl-") ? key.slice("ctrl-".length).toLowerCase() : "";
    if (/^[a-z]$/.test(control)) return control.charCodeAt(0) - 96;
    if (controls[control] !== undefined) return controls[control];
    throw new Failure(`invalid detach keys (${text}): Unknown character: '${key}'`);
  });
}

/** Finds the detach keys in what is typed. Keys that only began the sequence are handed on once it breaks off. */
export class DetachKeys {
  readonly #keys: readonly number[];
  #matched = 0;

  constructor(keys: readonly number[]) {
    this.#keys = keys;
  }

  /** The bytes to send on, and whether the sequence is complete (what was typed after it is dropped). */
  push(typed: Uint8Array): { readonly bytes: Buffer; readonly detached: boolean } {
    const out: number[] = [];
    for (const byte of typed) {
      if (byte !== this.#keys[this.#matched]) {
        out.push(...this.#keys.slice(0, this.#matched));
        this.#matched = 0;
      }
      if (byte === this.#keys[this.#matched]) this.#matched++;
      else out.push(byte);
      if (this.#matched === this.#keys.length) return { bytes: Buffer.from(out), detached: true };
    }
    return { bytes: Buffer.from(out), detached: false };
  }
}
