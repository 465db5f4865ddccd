/** Go's zero time, which the Engine API shows for "never". */
export const never = "0001-01-01T00:00:00Z";

/** What the monotonic clock lacks to the wall clock, in milliseconds. */
let offset: number = performance.timeOrigin;
/** The wall clock counts whole milliseconds; past this difference it was set, or the machine slept. */
const tolerance = 5;

/** Nanoseconds since the epoch by the wall clock, in steps of a microsecond. */
export function nowNano(): bigint {
  const wall = Date.now();
  if (Math.abs(offset + performance.now() - wall) > tolerance) offset = wall - performance.now();
  return BigInt(Math.round((offset + performance.now()) * 1000)) * 1000n;
}

/** RFC 3339 in UTC with nine digits of nanoseconds, trailing zeros dropped as Go's RFC3339Nano does. */
export function formatNano(nano: bigint): string {
  const seconds = nano / 1_000_000_000n;
  const fraction = String(nano % 1_000_000_000n)
    .padStart(9, "0")
    .replace(/0+$/, "");
  const whole = new Date(Number(seconds) * 1000).toISOString().slice(0, 19);
  return fraction === "" ? `${whole}Z` : `${whole}.${fraction}Z`;
}

/** Nanoseconds since the epoch of an RFC 3339 time; undefined for what is none. */
export function parseNano(text: string): bigint | undefined {
  const match = /^(\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d)(?:\.(\d{1,9})\d*)?([Zz]|[+-]\d\d:\d\d)$/.exec(text);
  if (!match) return undefined;
  const milliseconds = Date.parse(`${match[1]}${match[3]}`);
  if (Number.isNaN(milliseconds)) return undefined;
  return BigInt(milliseconds) * 1_000_000n + BigInt((match[2] ?? "").padEnd(9, "0") || "0");
}
