import { parseDuration } from "./sizes.ts";

/**
 * `--since` and `--until` as the API takes them, in seconds since the epoch with a fraction: a duration back from now
 * (`10m`), a date with or without time and zone (the local zone where it has none), or seconds since the epoch.
 */
export function parseTimestamp(text: string, now = Date.now()): string {
  if (text === "") return "";
  const nanoseconds = durationOf(text);
  if (nanoseconds !== undefined) return String(Math.floor((now - nanoseconds / 1e6) / 1000));
  if (/^\d+(\.\d+)?$/.test(text)) return text;
  const date = /^(\d{4}-\d{2}-\d{2})(?:T(\d{2}(?::\d{2}(?::\d{2}(?:\.\d+)?)?)?))?(Z|[+-]\d{2}:\d{2})?$/.exec(text);
  if (!date) throw new Error(`failed to parse value as time or duration: ${JSON.stringify(text)}`);
  const [, day, clock = "00", zone = ""] = date;
  const [whole = "00", fraction = ""] = clock.split(".");
  const time = whole.split(":").concat("00", "00").slice(0, 3).join(":");
  const milliseconds = Date.parse(`${day}T${time}${zone}`);
  if (Number.isNaN(milliseconds)) throw new Error(`failed to parse value as time or duration: ${JSON.stringify(text)}`);
  return `${Math.floor(milliseconds / 1000)}.${fraction.padEnd(9, "0").slice(0, 9)}`;
}

function durationOf(text: string): number | undefined {
  try {
    return parseDuration(text);
  } catch {
    return undefined;
  }
}
