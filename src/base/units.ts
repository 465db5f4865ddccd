import { invalid } from "./errors.ts";

const powers = ["", "k", "m", "g", "t", "p"];

/** Bytes of a size such as `64m`, `1.5GiB` or `100` (docker/go-units, RAMInBytes: powers of 1024). Throws `invalid`. */
export function parseBytes(text: string): number {
  const match = /^(-?\d+(?:\.\d+)?)\s*([kmgtp]?)(?:i?b)?$/i.exec(text.trim());
  if (!match) throw invalid(`invalid size: '${text}'`);
  return Math.trunc(Number(match[1]) * 1024 ** powers.indexOf(match[2]!.toLowerCase()));
}
