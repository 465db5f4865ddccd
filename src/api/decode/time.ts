import { invalid } from "../../base/errors.ts";
import { parseNano } from "../../base/time.ts";

/**
 * A time of the API: seconds since the epoch with a fraction of up to nine digits. Undefined for none (absent or
 * empty). Nanoseconds since the epoch.
 */
export function parseTimestamp(text: string | undefined): bigint | undefined {
  if (text === undefined || text === "") return undefined;
  const match = /^([+-]?\d{1,12})(?:\.(\d{1,9})\d*)?$/.exec(text);
  if (!match) throw invalid(`strconv.ParseInt: parsing ${JSON.stringify(text.split(".")[0])}: invalid syntax`);
  return BigInt(match[1]!) * 1_000_000_000n + BigInt((match[2] ?? "").padEnd(9, "0"));
}

const units: Readonly<Record<string, bigint>> = {
  ns: 1n,
  us: 1_000n,
  µs: 1_000n,
  ms: 1_000_000n,
  s: 1_000_000_000n,
  m: 60_000_000_000n,
  h: 3_600_000_000_000n,
};

/** A time as filters give it: as above, RFC 3339 (the time and the zone may be missing), or a duration before `now`. */
export function parseTimeOrDuration(text: string, now: bigint): bigint {
  if (/^[+-]?\d+(\.\d+)?$/.test(text)) return parseTimestamp(text)!;
  const duration = parseDuration(text);
  if (duration !== undefined) return now - duration;
  const date = /^(\d{4}-\d\d-\d\d)(?:T(\d\d(?::\d\d(?::\d\d(?:\.\d+)?)?)?))?(Z|[+-]\d\d:\d\d)?$/.exec(text);
  if (date) {
    const time = `${date[2] ?? "00"}:00:00`.split(":").slice(0, 3).join(":");
    const nano = parseNano(`${date[1]}T${time}${date[3] ?? "Z"}`);
    if (nano !== undefined) return nano;
  }
  throw invalid(`failed to parse value as time or duration: ${JSON.stringify(text)}`);
}

/** A Go duration (`1h30m`, `10s`, `1.5h`) in nanoseconds. */
function parseDuration(text: string): bigint | undefined {
  if (!/^[+-]?(\d+(\.\d+)?(ns|us|µs|ms|s|m|h))+$/.test(text)) return undefined;
  let sum = 0n;
  for (const [, number, unit] of text.matchAll(/(\d+(?:\.\d+)?)(ns|us|µs|ms|s|m|h)/g)) {
    const [whole = "0", fraction = ""] = number!.split(".");
    const scale = units[unit!]!;
    sum += BigInt(whole) * scale + (BigInt(fraction.slice(0, 9).padEnd(9, "0")) * scale) / 1_000_000_000n;
  }
  return text.startsWith("-") ? -sum : sum;
}
