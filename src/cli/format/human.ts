/** How long ago or for how long, in Docker's words: "Less than a second", "About an hour", "3 days". */
export function humanDuration(milliseconds: number): string {
  const seconds = Math.trunc(milliseconds / 1000);
  if (seconds < 1) return "Less than a second";
  if (seconds === 1) return "1 second";
  if (seconds < 60) return `${seconds} seconds`;
  const minutes = Math.trunc(seconds / 60);
  if (minutes === 1) return "About a minute";
  if (minutes < 60) return `${minutes} minutes`;
  const hours = Math.trunc(milliseconds / 3_600_000 + 0.5);
  if (hours === 1) return "About an hour";
  if (hours < 48) return `${hours} hours`;
  const days = Math.trunc(hours / 24);
  if (days < 14) return `${days} days`;
  if (days < 60) return `${Math.trunc(days / 7)} weeks`;
  if (days < 730) return `${Math.trunc(days / 30)} months`;
  return `${Math.trunc(Math.trunc(milliseconds / 3_600_000) / 24 / 365)} years`;
}

/** "2 minutes ago" for a time in milliseconds since the epoch; "N/A" for what is no time. */
export function ago(then: number, now = Date.now()): string {
  return Number.isNaN(then) ? "N/A" : `${humanDuration(now - then)} ago`;
}

/** Bytes by thousands, "1.98MB". `digits` is how many the number may have. */
export function humanSize(bytes: number, digits = 4): string {
  return scaled(bytes, 1000, ["B", "kB", "MB", "GB", "TB", "PB", "EB", "ZB", "YB"], digits);
}

/** Bytes by 1024, "23.54GiB". */
export function binarySize(bytes: number): string {
  return scaled(bytes, 1024, ["B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB", "ZiB", "YiB"], 4);
}

function scaled(bytes: number, base: number, units: readonly string[], digits: number): string {
  let unit = 0;
  let size = bytes;
  while (size >= base && unit < units.length - 1) {
    size /= base;
    unit++;
  }
  return general(size, digits) + units[unit];
}

/** A number as C's `%.Ng` writes it. */
function general(value: number, digits: number): string {
  if (value === 0) return "0";
  const exponent = Number(value.toExponential(digits - 1).split("e")[1]);
  if (exponent >= digits || exponent < -4) {
    const [mantissa, power] = value.toExponential(digits - 1).split("e") as [string, string];
    return `${Number(mantissa)}e${power[0]}${power.slice(1).padStart(2, "0")}`;
  }
  return String(Number(value.toPrecision(digits)));
}

/** At most `columns` characters, the last an ellipsis where the text was cut. */
export function ellipsis(text: string, columns: number): string {
  const chars = [...text];
  return chars.length <= columns ? text : `${chars.slice(0, columns - 1).join("")}…`;
}

/** A time as Go prints it: `2026-11-22 12:00:23 +0000 UTC`, in the local zone. */
export function goTime(milliseconds: number, fraction = ""): string {
  const date = new Date(milliseconds);
  const local = new Date(milliseconds - date.getTimezoneOffset() * 60_000).toISOString();
  return `${local.slice(0, 10)} ${local.slice(11, 19)}${fraction} ${offset(date, "")} ${zoneName(date)}`;
}

/** RFC 3339 in the local zone, without fractions. */
export function localRfc3339(milliseconds: number, fraction = ""): string {
  const date = new Date(milliseconds);
  const local = new Date(milliseconds - date.getTimezoneOffset() * 60_000).toISOString();
  const zone = date.getTimezoneOffset() === 0 ? "Z" : offset(date, ":");
  return `${local.slice(0, 19)}${fraction}${zone}`;
}

function offset(date: Date, colon: string): string {
  const minutes = -date.getTimezoneOffset();
  const two = (n: number): string => String(Math.trunc(Math.abs(n))).padStart(2, "0");
  return `${minutes < 0 ? "-" : "+"}${two(minutes / 60)}${colon}${two(minutes % 60)}`;
}

function zoneName(date: Date): string {
  const parts = new Intl.DateTimeFormat("en-US", { timeZoneName: "short" }).formatToParts(date);
  return parts.find((part) => part.type === "timeZoneName")?.value ?? "UTC";
}
