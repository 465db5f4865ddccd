import { arityProblem, type Command, type Invocation } from "./command.ts";
import { type Entry, findEntry, groups, missing, missingGrouped } from "./command-table.ts";
import { createContext, type Streams } from "./context.ts";
import { exitCodeOf, Failure, textOf } from "./failure.ts";
import { FlagError, HelpAsked, type Parsed, parseFlags } from "./flags.ts";
import { globalFlags } from "./globals.ts";

const logLevels = ["panic", "fatal", "error", "warn", "warning", "info", "debug", "trace"];

/** Runs one command line (without the program's name). Resolves with the exit code; prints failures itself. */
export async function main(argv: readonly string[], streams: Streams = process): Promise<number> {
  if (streams === process) quietOnBrokenPipe();
  try {
    return await dispatch(argv, streams);
  } catch (error) {
    const text = textOf(error);
    if (text !== "") streams.stderr.write(`${text}\n`);
    return exitCodeOf(error);
  }
}

async function dispatch(argv: readonly string[], streams: Streams): Promise<number> {
  let globals: Parsed;
  try {
    globals = parseFlags(globalFlags, argv, true);
  } catch (error) {
    if (error instanceof HelpAsked) return rootHelp(streams);
    if (error instanceof FlagError) throw usageFailure(error, "Usage:  keelson [OPTIONS] COMMAND [ARG...]", "keelson");
    throw error;
  }
  const level = globals.flags.string("log-level");
  if (!logLevels.includes(level)) throw new Failure(`Unable to parse logging level: ${level}`);
  const [name, ...rest] = globals.args;
  if (globals.flags.bool("version")) {
    const { version: packageVersion } = await import("../base/version.ts");
    streams.stdout.write(`Keelson version ${packageVersion}\n`);
    return 0;
  }
  if (name === undefined) return rootHelp({ ...streams, stdout: streams.stderr });
  if (name === "help") return helpOf(rest, streams);
  return invoke(globals, await resolve(name, rest, streams), streams);
}

interface Found {
  readonly entry: Entry;
  readonly path: string;
  readonly words: string[];
}

/** The command that the words name; a number where the help was all that was asked for. */
async function resolve(name: string, rest: string[], streams: Streams): Promise<Found | number> {
  if (name in groups) return resolveGroup(name, rest, streams);
  const entry = findEntry(name);
  if (entry?.top === name) return { entry, path: `keelson ${name}`, words: rest };
  if (missing.has(name)) throw new Failure(`keelson: '${name}' is not there yet`);
  throw new Failure(`keelson: unknown command: keelson ${name}\n\nRun 'keelson --help' for more information`);
}

async function resolveGroup(group: string, rest: string[], streams: Streams): Promise<Found | number> {
  const [sub, ...words] = rest;
  // Asked for, the help is output; where a command was forgotten, it is a message.
  if (sub === undefined) return groupHelp(group, { ...streams, stdout: streams.stderr });
  if (sub === "--help" || sub === "-h") return groupHelp(group, streams);
  if (sub.startsWith("-"))
    throw new Failure(
      `unknown ${sub.startsWith("--") ? `flag: ${sub.split("=")[0]}` : `shorthand flag: '${sub[1]}' in ${sub}`}\n\nUsage:  keelson ${group}\n\nRun 'keelson ${group} --help' for more information`,
      125,
    );
  const name = `${group} ${sub}`;
  const entry = findEntry(name);
  if (entry !== undefined) return { entry, path: `keelson ${firstName(entry, group)}`, words };
  if (missingGrouped.has(name)) throw new Failure(`keelson: '${name}' is not there yet`);
  throw new Failure(
    `keelson: unknown command: keelson ${name}\n\nUsage:  keelson ${group}\n\nRun 'keelson ${group} --help' for more information`,
  );
}

/** The name that a command has in its group's list: `ls`, where it was called `list`. */
function firstName(entry: Entry, group: string): string {
  return entry.grouped.find((path) => path.startsWith(`${group} `))!;
}

async function invoke(globals: Parsed, found: Found | number, streams: Streams): Promise<number> {
  if (typeof found === "number") return found;
  const { command } = await found.entry.load();
  let parsed: Parsed;
  try {
    parsed = parseFlags(command.flags, found.words, command.stopAtFirst);
  } catch (error) {
    if (error instanceof HelpAsked) return commandHelp(found, command, streams);
    if (error instanceof FlagError) throw usageFailure(error, usageLine(found.path, command), found.path);
    throw error;
  }
  const problem = arityProblem(command.args, parsed.args.length, found.path);
  if (problem !== undefined) throw arityFailure(problem, found.path, command);
  const context = createContext(globals.flags, streams);
  const invocation: Invocation = { context, flags: parsed.flags, args: parsed.args, path: found.path };
  try {
    return (await command.run(invocation)) ?? 0;
  } finally {
    context.close();
  }
}

function usageLine(path: string, command: Command): string {
  return `Usage:  ${path} ${command.usage}`.trimEnd();
}

function usageFailure(error: FlagError, usage: string, path: string): Failure {
  return new Failure(`${error.message}\n\n${usage}\n\nRun '${path} --help' for more information`, 125);
}

function arityFailure(problem: string, path: string, command: Command): Failure {
  const word = command.args.max === Number.POSITIVE_INFINITY ? "See" : "Run";
  return new Failure(
    `keelson: ${problem}\n\n${usageLine(path, command)}\n\n${word} '${path} --help' for more information`,
  );
}

async function rootHelp({ stdout }: Streams): Promise<number> {
  const help = await import("./help.ts");
  stdout.write(help.rootHelp(globalFlags));
  return 0;
}

async function groupHelp(name: string, { stdout }: Streams): Promise<number> {
  const help = await import("./help.ts");
  stdout.write(help.groupHelp(name));
  return 0;
}

async function commandHelp(found: Found, command: Command, { stdout }: Streams): Promise<number> {
  const help = await import("./help.ts");
  stdout.write(help.commandHelp(found.path, found.entry, command));
  return 0;
}

/** `keelson help [COMMAND]`. */
async function helpOf(words: string[], streams: Streams): Promise<number> {
  const [name, ...rest] = words;
  if (name === undefined) return rootHelp(streams);
  if (name in groups && rest.length === 0) return groupHelp(name, streams);
  const path = name in groups ? `${name} ${rest[0]}` : name;
  const entry = findEntry(path);
  if (entry === undefined) throw new Failure(`unknown help topic: ${words.join(" ")}`);
  const shown = name in groups ? firstName(entry, name) : path;
  return commandHelp({ entry, path: `keelson ${shown}`, words: [] }, (await entry.load()).command, streams);
}

/** A reader that goes away (`keelson logs x | head`) ends the program without a word, as SIGPIPE would. */
function quietOnBrokenPipe(): void {
  for (const stream of [process.stdout, process.stderr]) stream.off("error", onOutputError).on("error", onOutputError);
}

function onOutputError(error: NodeJS.ErrnoException): void {
  if (error.code !== "EPIPE") throw error;
  process.exit(141);
}
