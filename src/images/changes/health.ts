import { invalid } from "../../base/errors.ts";
import type { HealthConfig } from "../../oci/image.ts";

const unitNano: Readonly<Record<string, number>> = { ns: 1, us: 1e3, µs: 1e3, ms: 1e6, s: 1e9, m: 60e9, h: 3600e9 };

/** The flags of HEALTHCHECK and the fields that they set. */
export const healthFlags = ["interval", "timeout", "start-period", "start-interval", "retries"] as const;
const durationFields = [
  ["interval", "Interval"],
  ["timeout", "Timeout"],
  ["start-period", "StartPeriod"],
  ["start-interval", "StartInterval"],
] as const;

/** HEALTHCHECK (Dockerfile reference): `NONE`, or `CMD` with a command in exec or shell form. */
export function parseHealthcheck(
  rest: string,
  flags: ReadonlyMap<string, string>,
  parseCommand: (text: string) => { readonly args: string[]; readonly isShell: boolean },
): HealthConfig {
  const [, type = "", text = ""] = /^(\S*)\s*([\s\S]*)$/.exec(rest) ?? [];
  if (type === "") throw invalid("HEALTHCHECK requires at least one argument");
  if (type.toUpperCase() === "NONE") {
    if (text !== "") throw invalid("HEALTHCHECK NONE takes no arguments");
    return { Test: ["NONE"] };
  }
  if (type.toUpperCase() !== "CMD") throw invalid(`Unknown type ${JSON.stringify(type)} in HEALTHCHECK (try CMD)`);
  const { args, isShell } = parseCommand(text);
  if (args.length === 0) throw invalid("Missing command after HEALTHCHECK CMD");
  const retries = parseRetries(flags.get("retries"));
  return {
    Test: [isShell ? "CMD-SHELL" : "CMD", ...args],
    ...Object.fromEntries(
      durationFields.flatMap(([flag, field]) => {
        const nano = parseInterval(flag, flags.get(flag));
        return nano === 0 ? [] : [[field, nano]];
      }),
    ),
    ...(retries === 0 ? {} : { Retries: retries }),
  };
}

function parseRetries(text = ""): number {
  if (text === "") return 0;
  if (!/^[+-]?\d+$/.test(text)) throw invalid(`strconv.ParseInt: parsing ${JSON.stringify(text)}: invalid syntax`);
  const retries = Number(text);
  if (retries < 0) throw invalid(`--retries cannot be negative (${retries})`);
  return retries;
}

function parseInterval(flag: string, text = ""): number {
  if (text === "") return 0;
  const nano = parseGoDuration(text);
  if (nano === 0) return 0;
  if (nano < unitNano["ms"]!) throw invalid(`Interval ${JSON.stringify(flag)} cannot be less than 1ms`);
  return nano;
}

/** Nanoseconds of a Go duration (`1h30m`, `1.5s`, `250ms`). `invalid` in Go's words. */
export function parseGoDuration(text: string): number {
  const quoted = JSON.stringify(text);
  const [, sign = "", body = ""] = /^([+-]?)([\s\S]*)$/.exec(text) ?? [];
  if (body === "0") return 0;
  if (body === "") throw invalid(`time: invalid duration ${quoted}`);
  let nano = 0;
  let rest = body;
  while (rest !== "") {
    const match = /^(\d+\.?\d*|\.\d+)([^\d.]*)/.exec(rest);
    if (!match) throw invalid(`time: invalid duration ${quoted}`);
    if (match[2] === "") throw invalid(`time: missing unit in duration ${quoted}`);
    const unit = unitNano[match[2]!];
    if (unit === undefined) throw invalid(`time: unknown unit ${JSON.stringify(match[2])} in duration ${quoted}`);
    nano += Number(match[1]) * unit;
    rest = rest.slice(match[0].length);
  }
  return Math.trunc(sign === "-" ? -nano : nano);
}
