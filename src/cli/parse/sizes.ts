import { quote } from "../template/quote.ts";

const powers: Readonly<Record<string, number>> = { "": 0, b: 0, k: 1, m: 2, g: 3, t: 4, p: 5 };

/** Bytes from `512m`, `1.5g`, `64 KiB`: units of 1024, in either case, with or without `b` and `ib`. */
export function parseBytes(text: string): number {
  const split = text.search(/[^\d. ]/);
  const [digits, suffix] = split === -1 ? [text, ""] : [text.slice(0, split), text.slice(split)];
  const number = digits.trimEnd();
  if (number === "") throw new Error(`invalid size: '${text}'`);
  if (!/^(\d+\.?\d*|\.\d+)$/.test(number))
    throw new Error(`strconv.ParseFloat: parsing ${quote(number)}: invalid syntax`);
  const unit = suffix.toLowerCase();
  const power = powers[/^[kmgtp]i?b$/.test(unit) ? unit[0]! : unit];
  if (power === undefined) throw new Error(`invalid suffix: '${unit}'`);
  return Math.trunc(Number(number) * 1024 ** power);
}

/** `--memory-swap`: as {@link parseBytes}, or -1 for no limit. */
export function parseSwap(text: string): number {
  return text === "-1" ? -1 : parseBytes(text);
}

/** `--cpus` in billionths of a CPU: `0.5`, `1e-1`, `1/2`; no finer than nine decimals. */
export function parseCpus(text: string): number {
  const fraction = /^([+-]?\d+)\/(\d+)$/.exec(text);
  const plain = /^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$/.test(text);
  if (!fraction && !plain) throw new Error(`failed to parse ${text} as a rational number`);
  const nanos = fraction ? (Number(fraction[1]) * 1e9) / Number(fraction[2]) : decimalNanos(text);
  if (!Number.isInteger(nanos)) throw new Error("value is too precise");
  return nanos;
}

function decimalNanos(text: string): number {
  const [mantissa, exponent = "0"] = text.toLowerCase().split("e") as [string, string?];
  const [whole = "", decimals = ""] = mantissa.split(".");
  const shift = 9 + Number(exponent) - decimals.length;
  const digits = Number(`${whole}${decimals}`);
  return shift >= 0 ? digits * 10 ** shift : digits / 10 ** -shift;
}

const nanoseconds: Readonly<Record<string, number>> = {
  ns: 1,
  us: 1e3,
  µs: 1e3,
  μs: 1e3,
  ms: 1e6,
  s: 1e9,
  m: 60e9,
  h: 3600e9,
};

/** Nanoseconds from `1h30m`, `2.5s`, `300ms` (Go's time.ParseDuration, and its messages). */
export function parseDuration(text: string): number {
  const sign = text.startsWith("-") ? -1 : 1;
  const body = text.replace(/^[+-]/, "");
  if (body === "0") return 0;
  if (body === "") throw new Error(`time: invalid duration ${quote(text)}`);
  let total = 0;
  for (let rest = body; rest !== ""; ) {
    const [, number, unit] = /^(\d+\.?\d*|\.\d+)([^\d.]*)/.exec(rest) ?? [];
    if (number === undefined) throw new Error(`time: invalid duration ${quote(text)}`);
    if (unit === "") throw new Error(`time: missing unit in duration ${quote(text)}`);
    const scale = nanoseconds[unit!];
    if (scale === undefined) throw new Error(`time: unknown unit ${quote(unit!)} in duration ${quote(text)}`);
    total += Number(number) * scale;
    rest = rest.slice(number.length + unit!.length);
  }
  return sign * Math.trunc(total);
}

/** A whole number from 0 to `max` (strconv.ParseUint, in its words). */
export function parseUnsigned(text: string, max = Number.MAX_SAFE_INTEGER): number {
  if (!/^(\d+|0[xX][\da-fA-F]+)$/.test(text))
    throw new Error(`strconv.ParseUint: parsing ${quote(text)}: invalid syntax`);
  const number = Number(text);
  if (number > max) throw new Error(`strconv.ParseUint: parsing ${quote(text)}: value out of range`);
  return number;
}
