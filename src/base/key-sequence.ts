/** The byte that a key's name stands for: one ASCII character, or `ctrl-a`, `ctrl-]` and their like; undefined for others. */
export function keyByte(name: string): number | undefined {
  if (name.length === 1 && name.charCodeAt(0) < 128) return name.charCodeAt(0);
  const control = /^ctrl-([a-zA-Z@[\]^_\\])$/.exec(name)?.[1];
  return control === undefined ? undefined : control.toLowerCase().charCodeAt(0) & 0x1f;
}

/** Finds a sequence of keys in what is typed, such as the detach keys. Keys that only began it are passed on once it breaks off. */
export class KeySequence {
  readonly #keys: readonly number[];
  #matched = 0;

  constructor(keys: readonly number[]) {
    this.#keys = keys;
  }

  /** What may pass of `typed`, and whether the sequence is now complete; what was typed after it is dropped. */
  push(typed: Uint8Array): { readonly pass: Buffer; readonly complete: boolean } {
    const out: number[] = [];
    for (const byte of typed) {
      if (byte !== this.#keys[this.#matched]) {
        out.push(...this.#keys.slice(0, this.#matched));
        this.#matched = 0;
      }
      if (byte === this.#keys[this.#matched]) this.#matched++;
      else out.push(byte);
      if (this.#matched === this.#keys.length) return { pass: Buffer.from(out), complete: true };
    }
    return { pass: Buffer.from(out), complete: false };
  }
}
