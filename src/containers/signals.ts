import { invalid } from "../base/errors.ts";

/** Linux's signals by name, without `SIG` (signal(7), x86 and ARM numbers). */
const numbers: Readonly<Record<string, number>> = {
  HUP: 1,
  INT: 2,
  QUIT: 3,
  ILL: 4,
  TRAP: 5,
  ABRT: 6,
  IOT: 6,
  BUS: 7,
  FPE: 8,
  KILL: 9,
  USR1: 10,
  SEGV: 11,
  USR2: 12,
  PIPE: 13,
  ALRM: 14,
  TERM: 15,
  STKFLT: 16,
  CHLD: 17,
  CLD: 17,
  CONT: 18,
  STOP: 19,
  TSTP: 20,
  TTIN: 21,
  TTOU: 22,
  URG: 23,
  XCPU: 24,
  XFSZ: 25,
  VTALRM: 26,
  PROF: 27,
  WINCH: 28,
  IO: 29,
  POLL: 29,
  PWR: 30,
  SYS: 31,
};
const rtMin = 34;
const rtMax = 64;

/**
 * The number of a signal: a name with or without `SIG` in either case, a real-time one (`RTMIN+3`, `RTMAX-2`), or a
 * number from 1 to 64. Throws `invalid` "invalid signal: X".
 */
export function parseSignal(text: string): number {
  const number = /^\d+$/.test(text) ? Number(text) : byName(text.toUpperCase().replace(/^SIG/, ""));
  if (number === undefined || number < 1 || number > rtMax) throw invalid(`invalid signal: ${text}`);
  return number;
}

function byName(name: string): number | undefined {
  if (Object.hasOwn(numbers, name)) return numbers[name];
  const [, base, sign, offset = "0"] = /^(RTMIN|RTMAX)(?:([+-])(\d{1,2}))?$/.exec(name) ?? [];
  if (base === undefined) return undefined;
  if ((base === "RTMIN" && sign === "-") || (base === "RTMAX" && sign === "+")) return undefined;
  const number = base === "RTMIN" ? rtMin + Number(offset) : rtMax - Number(offset);
  return number >= rtMin && number <= rtMax ? number : undefined;
}

/** `SIGTERM` for 15; the first of several names. */
export function signalName(number: number): string {
  const found = Object.entries(numbers).find(([, value]) => value === number)?.[0];
  if (found !== undefined) return `SIG${found}`;
  if (number === rtMin || number === rtMax) return number === rtMin ? "SIGRTMIN" : "SIGRTMAX";
  return number > rtMin && number < rtMax ? `SIGRTMIN+${number - rtMin}` : String(number);
}
