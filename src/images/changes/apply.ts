import { constants } from "node:os";
import { posix } from "node:path";
import { invalid } from "../../base/errors.ts";
import type { ImageRunConfig } from "../../oci/image.ts";
import { healthFlags, parseHealthcheck } from "./health.ts";
import { parseExposed } from "./ports.ts";
import { expandWord, splitWords } from "./words.ts";

type Draft = { -readonly [K in keyof ImageRunConfig]: ImageRunConfig[K] };

/** One instruction: what follows its name, and its leading `--flag=value` words. */
interface Instruction {
  readonly name: string;
  readonly rest: string;
  readonly flags: ReadonlyMap<string, string>;
}

const shell = ["/bin/sh", "-c"];

/**
 * Applies Dockerfile instructions to an image's config, as `docker import --change` and `docker commit --change` take
 * them. Those that make no sense there (RUN, COPY, FROM, …) are refused. Throws `invalid` in Docker's words.
 */
export function applyChanges(config: ImageRunConfig, changes: readonly string[]): ImageRunConfig {
  if (changes.length === 0) return config;
  const lines = instructionLines(changes.join("\n"));
  if (lines.length === 0) throw invalid("file with no instructions");
  const draft: Draft = { ...config };
  let hasCommand = false;
  for (const line of lines) {
    const { name, rest, flags } = parseLine(line);
    const apply = Object.hasOwn(instructions, name.toUpperCase()) ? instructions[name.toUpperCase()] : undefined;
    if (apply === undefined) throw invalid(`${name} is not a valid change command`);
    const known: readonly string[] = name.toUpperCase() === "HEALTHCHECK" ? healthFlags : [];
    const unknown = [...flags.keys()].find((flag) => !known.includes(flag));
    if (unknown !== undefined) throw invalid(`unknown flag: --${unknown}`);
    if (name.toUpperCase() === "CMD") hasCommand = true;
    // An entrypoint takes the place of the command that it would have been given, unless that was set here too.
    if (name.toUpperCase() === "ENTRYPOINT" && !hasCommand) delete draft.Cmd;
    apply(draft, { name: name.toUpperCase(), rest, flags });
  }
  return draft;
}

/** Joins continued lines, and drops comments and empty lines. */
function instructionLines(text: string): string[] {
  const lines: string[] = [];
  let open = "";
  for (const line of text.split("\n")) {
    if (/^\s*(#|$)/.test(line)) continue;
    const continued = /^([\s\S]*)\\[ \t]*$/.exec(line);
    if (continued) open += continued[1];
    else {
      lines.push((open + line).trim());
      open = "";
    }
  }
  return [...lines, open.trim()].filter((line) => line !== "");
}

function parseLine(line: string): Instruction {
  const [, name = "", tail = ""] = /^(\S+)\s*([\s\S]*)$/.exec(line) ?? [];
  const flags = new Map<string, string>();
  let rest = tail;
  for (let match = /^--(\S*)\s*/.exec(rest); match; match = /^--(\S*)\s*/.exec(rest)) {
    rest = rest.slice(match[0].length);
    if (match[1] === "") break;
    const [flag = "", ...value] = match[1]!.split("=");
    flags.set(flag, value.join("="));
  }
  return { name, rest, flags };
}

const instructions: Readonly<Record<string, (draft: Draft, instruction: Instruction) => void>> = {
  CMD(draft, { rest }) {
    const { args, isShell } = parseCommand(rest);
    if (isShell) draft.Cmd = [...(draft.Shell ?? shell), ...args];
    else draft.Cmd = args.length === 0 ? null : args;
  },
  ENTRYPOINT(draft, { rest }) {
    const { args, isShell } = parseCommand(rest);
    if (args.length === 0) draft.Entrypoint = null;
    else draft.Entrypoint = isShell ? [...(draft.Shell ?? shell), ...args] : args;
  },
  ENV(draft, { name, rest }) {
    const env = environment(draft);
    for (const [key, value] of keyValues(name, rest, environment(draft))) {
      if (key === "") throw invalid("ENV names can not be blank");
      env.set(key, value);
    }
    draft.Env = [...env].map(([key, value]) => `${key}=${value}`);
  },
  LABEL(draft, { name, rest }) {
    const pairs = keyValues(name, rest, environment(draft));
    if (pairs.some(([key]) => key === "")) throw invalid("LABEL names can not be blank");
    draft.Labels = { ...draft.Labels, ...Object.fromEntries(pairs) };
  },
  EXPOSE(draft, { name, rest }) {
    const specs = atLeastOne(name, splitWords(rest)).flatMap((word) =>
      splitWords(expandWord(word, environment(draft))),
    );
    const ports = specs.flatMap(parseExposed).map((port) => [port, {}] as const);
    draft.ExposedPorts = { ...draft.ExposedPorts, ...Object.fromEntries(ports) };
  },
  USER(draft, { name, rest }) {
    draft.User = expandWord(exactlyOne(name, rest), environment(draft));
  },
  VOLUME(draft, { name, rest }) {
    const { args, isShell } = parseCommand(rest);
    const paths = atLeastOne(name, isShell ? rest.split(/\s+/).filter(Boolean) : args);
    const expanded = paths.map((path) => expandWord(path, environment(draft)).trim());
    if (expanded.includes("")) throw invalid("VOLUME specified can not be an empty string");
    draft.Volumes = { ...draft.Volumes, ...Object.fromEntries(expanded.map((path) => [path, {}])) };
  },
  WORKDIR(draft, { name, rest }) {
    const path = expandWord(exactlyOne(name, rest), environment(draft));
    const joined = posix.resolve("/", draft.WorkingDir ?? "", path);
    draft.WorkingDir = joined;
  },
  STOPSIGNAL(draft, { name, rest }) {
    const signal = expandWord(exactlyOne(name, rest), environment(draft));
    if (!isSignal(signal)) throw invalid(`invalid signal: ${signal}`);
    draft.StopSignal = signal;
  },
  HEALTHCHECK(draft, { rest, flags }) {
    draft.Healthcheck = parseHealthcheck(rest, flags, parseCommand);
  },
  ONBUILD(draft, { name, rest }) {
    const [trigger = ""] = atLeastOne(name, rest.split(/\s+/).filter(Boolean));
    if (trigger.toUpperCase() === "ONBUILD") throw invalid("Chaining ONBUILD via `ONBUILD ONBUILD` isn't allowed");
    if (/^(FROM|MAINTAINER)$/i.test(trigger))
      throw invalid(`${trigger.toUpperCase()} isn't allowed as an ONBUILD trigger`);
    draft.OnBuild = [...(draft.OnBuild ?? []), rest];
  },
};

/** Exec form (a JSON array of strings) or shell form (the text as it is). */
function parseCommand(text: string): { readonly args: string[]; readonly isShell: boolean } {
  let parsed: unknown;
  if (text.startsWith("[")) {
    try {
      parsed = JSON.parse(text);
    } catch {
      // Not JSON after all: `[ -f /x ] && y` is a shell command.
    }
  }
  if (!Array.isArray(parsed)) return { args: text === "" ? [] : [text], isShell: true };
  if (!parsed.every((arg) => typeof arg === "string"))
    throw invalid("when using JSON array syntax, arrays must be comprised of strings only");
  return { args: parsed, isShell: false };
}

/** `key=value …`, or the old form `key value with blanks`. */
function keyValues(name: string, rest: string, env: ReadonlyMap<string, string>): Array<readonly [string, string]> {
  const words = atLeastOne(name, splitWords(rest));
  if (!words[0]!.includes("=")) {
    const [, key = "", value = ""] = /^(\S+)\s*([\s\S]*)$/.exec(rest) ?? [];
    if (value === "") throw invalid(`${name} must have two arguments`);
    return [[expandWord(key, env), expandWord(value, env)]];
  }
  return words.map((word) => {
    const at = word.indexOf("=");
    if (at === -1)
      throw invalid(`Syntax error - can't find = in ${JSON.stringify(word)}. Must be of the form: name=value`);
    return [expandWord(word.slice(0, at), env), expandWord(word.slice(at + 1), env)];
  });
}

function environment(draft: Draft): Map<string, string> {
  return new Map(
    (draft.Env ?? []).map((entry) => {
      const [key = "", ...value] = entry.split("=");
      return [key, value.join("=")];
    }),
  );
}

function atLeastOne(name: string, words: string[]): string[] {
  if (words.length === 0) throw invalid(`${name} requires at least one argument`);
  return words;
}

function exactlyOne(name: string, rest: string): string {
  if (rest === "") throw invalid(`${name} requires exactly one argument`);
  return rest;
}

/** A positive number, or a name with or without `SIG`, real-time signals too (signal(7)). */
function isSignal(text: string): boolean {
  if (/^\d+$/.test(text)) return Number(text) > 0;
  const name = text.toUpperCase().replace(/^SIG/, "");
  return `SIG${name}` in constants.signals || /^RTM(IN(\+([1-9]|1[0-5]))?|AX(-([1-9]|1[0-4]))?)$/.test(name);
}
