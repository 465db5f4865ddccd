import { messageOf } from "../base/errors.ts";
import { Failure } from "./failure.ts";
import { quote } from "./template/quote.ts";

/*
 * Flags by the rules of the Go package that Docker's client uses (spf13/pflag): `--name value`, `--name=value`,
 * `-n value`, `-nvalue`, `-n=value`, several shorthands in one word, booleans that take a value only after `=`, `--` to
 * end. commander reads flags by other rules and with other messages, so it cannot serve here.
 */

/** One flag of a command. */
export interface Flag {
  readonly name: string;
  readonly short?: string;
  /** The word for its value in the help; empty for a boolean. */
  readonly type: string;
  readonly help: string;
  /** Shown in the help as `(default …)`. */
  readonly shown?: string;
  /** The value where the flag is not given. */
  readonly initial: unknown;
  readonly repeat: boolean;
  readonly boolean: boolean;
  readonly hidden?: boolean;
  /** Checks and converts one value; what it throws is the reason in the message. */
  readonly read: (text: string) => unknown;
}

type Extra = Partial<Pick<Flag, "shown" | "hidden">> & { type?: string };

const asIs = (text: string): string => text;

/** `--name`, off unless given. */
export function bool(name: string, short: string, help: string, initial = false): Flag {
  const shown = initial ? "true" : undefined;
  return { name, short, type: "", help, shown, initial, repeat: false, boolean: true, read: parseBool };
}

/** A text. `initial` is shown as the default where it is not empty. */
export function string(name: string, short: string, help: string, initial = "", extra: Extra = {}): Flag {
  const shown = initial === "" ? undefined : JSON.stringify(initial);
  return { name, short, type: "string", help, shown, initial, repeat: false, boolean: false, read: asIs, ...extra };
}

/** A flag that may be given several times. */
export function list(
  name: string,
  short: string,
  help: string,
  read: (t: string) => unknown = asIs,
  extra: Extra = {},
): Flag {
  return { name, short, type: "list", help, initial: [], repeat: true, boolean: false, read, ...extra };
}

/** A flag that may be given several times, each with several values between commas. */
export function strings(name: string, help: string): Flag {
  return list(name, "", help, (text) => text.split(","), { type: "strings" });
}

/** A value with a parser of its own. */
export function value<T>(
  name: string,
  short: string,
  type: string,
  help: string,
  read: (t: string) => T,
  initial: T,
  extra: Extra = {},
): Flag {
  return { name, short, type, help, initial, repeat: false, boolean: false, read, ...extra };
}

/** A whole number. */
export function int(name: string, short: string, help: string, initial = 0, extra: Extra = {}): Flag {
  const shown = initial === 0 ? undefined : String(initial);
  return value(name, short, extra.type ?? "int", help, parseInteger, initial, { shown, ...extra });
}

/** strconv.ParseInt, in its words. */
export function parseInteger(text: string): number {
  if (!/^[+-]?(\d+|0[xX][0-9a-fA-F]+)$/.test(text))
    throw new Error(`strconv.ParseInt: parsing ${quote(text)}: invalid syntax`);
  const number = Number(text);
  if (!Number.isSafeInteger(number)) throw new Error(`strconv.ParseInt: parsing ${quote(text)}: value out of range`);
  return number;
}

/** strconv.ParseBool, in its words. */
export function parseBool(text: string): boolean {
  if (["1", "t", "T", "TRUE", "true", "True"].includes(text)) return true;
  if (["0", "f", "F", "FALSE", "false", "False"].includes(text)) return false;
  throw new Error(`strconv.ParseBool: parsing ${quote(text)}: invalid syntax`);
}

/** What was given: typed by the getter that is used. Asking for a flag that the command does not have is a bug. */
export class Flags {
  readonly #flags: ReadonlyMap<string, Flag>;
  readonly #given = new Map<string, unknown>();

  constructor(flags: readonly Flag[]) {
    this.#flags = new Map(flags.map((flag) => [flag.name, flag]));
  }

  set(flag: Flag, text: string, spelled?: string): void {
    let read: unknown;
    try {
      read = flag.read(text);
    } catch (error) {
      const shown = spelled ?? (flag.short ? `-${flag.short}, --${flag.name}` : `--${flag.name}`);
      throw new FlagError(`invalid argument ${quote(text)} for "${shown}" flag: ${messageOf(error)}`);
    }
    const before = this.#given.get(flag.name);
    this.#given.set(flag.name, flag.repeat ? [...((before as unknown[]) ?? []), ...[read].flat()] : read);
  }

  /** The value given, or the flag's initial one. */
  get<T>(name: string): T {
    const flag = this.#flags.get(name);
    if (flag === undefined) throw new Error(`the command has no flag --${name}`);
    return (this.#given.has(name) ? this.#given.get(name) : flag.initial) as T;
  }

  bool(name: string): boolean {
    return this.get<boolean>(name);
  }

  string(name: string): string {
    return this.get<string>(name);
  }

  number(name: string): number {
    return this.get<number>(name);
  }

  list(name: string): string[] {
    return this.get<string[]>(name);
  }

  /** True where the user gave the flag. */
  changed(name: string): boolean {
    return this.#given.has(name);
  }
}

/** A flag that does not exist or whose value is wrong. */
export class FlagError extends Failure {
  constructor(message: string) {
    super(message, 125);
  }
}

/** The user asked for the help. */
export class HelpAsked extends Error {}

export interface Parsed {
  readonly flags: Flags;
  readonly args: string[];
}

/**
 * Reads the words of a command line. With `stopAtFirst`, what follows the first word that is no flag is not read
 * (`run IMAGE COMMAND -x`). Throws {@link FlagError}, and {@link HelpAsked} at `--help`.
 */
export function parseFlags(known: readonly Flag[], words: readonly string[], stopAtFirst = false): Parsed {
  const flags = new Flags(known);
  const args: string[] = [];
  for (let at = 0; at < words.length; at++) {
    const word = words[at]!;
    if (word === "--") {
      args.push(...words.slice(at + 1));
      break;
    }
    if (!word.startsWith("-") || word === "-") {
      if (stopAtFirst) {
        args.push(...words.slice(at));
        break;
      }
      args.push(word);
    } else if (word.startsWith("--")) {
      at += readLong(flags, known, word, words[at + 1]);
    } else {
      at += readShort(flags, known, word, words[at + 1]);
    }
  }
  return { flags, args };
}

/** Reads `--name…`; the number of further words that it took. */
function readLong(flags: Flags, known: readonly Flag[], word: string, next: string | undefined): number {
  const equals = word.indexOf("=");
  const name = word.slice(2, equals === -1 ? undefined : equals);
  if (name === "" || name.startsWith("-")) throw new FlagError(`bad flag syntax: ${word}`);
  const flag = known.find((candidate) => candidate.name === name);
  if (flag === undefined) {
    if (name === "help") throw new HelpAsked();
    throw new FlagError(`unknown flag: --${name}`);
  }
  if (equals !== -1) flags.set(flag, word.slice(equals + 1));
  else if (flag.boolean) flags.set(flag, "true");
  else if (next === undefined) throw new FlagError(`flag needs an argument: --${name}`);
  else {
    flags.set(flag, next);
    return 1;
  }
  return 0;
}

/** Reads `-abc…`; the number of further words that it took. */
function readShort(flags: Flags, known: readonly Flag[], word: string, next: string | undefined): number {
  for (let rest = word.slice(1); rest !== ""; ) {
    const letter = rest[0]!;
    const flag = known.find((candidate) => candidate.short === letter);
    if (flag === undefined) {
      if (letter === "h") throw new HelpAsked();
      throw new FlagError(`unknown shorthand flag: '${letter}' in -${rest}`);
    }
    const after = rest.slice(1);
    if (after.startsWith("=") && after.length > 1) {
      flags.set(flag, after.slice(1));
      return 0;
    }
    if (flag.boolean) {
      flags.set(flag, "true");
      rest = after;
    } else if (after !== "") {
      flags.set(flag, after);
      return 0;
    } else if (next === undefined) {
      throw new FlagError(`flag needs an argument: '${letter}' in -${rest}`);
    } else {
      flags.set(flag, next);
      return 1;
    }
  }
  return 0;
}
