import { readFileSync } from "node:fs";
import { errnoOf } from "../../base/errors.ts";
import { cut } from "./csv.ts";

type Environ = Readonly<Record<string, string | undefined>>;

/** One `-e`: a name alone takes its value from our own environment, or stays alone (which unsets it). */
export function parseEnv(text: string, environ: Environ = process.env): string {
  const [name, value] = cut(text);
  if (name === "") throw new Error(`invalid environment variable: ${text}`);
  const own = environ[name];
  return value === undefined && own !== undefined ? `${name}=${own}` : text;
}

/** The variables of an env file: `NAME=value` lines, `#` comments; a name alone is taken from our environment. */
export function readEnvFile(path: string, environ: Environ = process.env): string[] {
  return variableLines(path, "env file", "variable").flatMap((line) => {
    const [name, value] = cut(line);
    if (value !== undefined) return [line];
    return environ[name] === undefined ? [] : [`${name}=${environ[name]}`];
  });
}

/** The labels of a label file; a name alone has an empty value. */
export function readLabelFile(path: string): string[] {
  return variableLines(path, "env file", "variable");
}

function variableLines(path: string, kind: string, word: string): string[] {
  const fail = (reason: string): Error => new Error(`invalid ${kind} (${path}): ${reason}`);
  const out: string[] = [];
  for (const raw of readText(path)
    .replace(/^\uFEFF/, "")
    .split(/\r?\n/)) {
    const line = raw.trimStart();
    if (line === "" || line.startsWith("#")) continue;
    const [name, value] = cut(line);
    if (/\s/.test(name)) throw fail(`${word} '${name}' contains whitespaces`);
    if (name === "") throw fail(`no variable name on line '${line}'`);
    out.push(value === undefined ? name : `${name}=${value}`);
  }
  return out;
}

/** A file's text; where it cannot be read, an Error in the words of Go's os package. */
export function readText(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    throw new Error(`open ${path}: ${reason(error)}`);
  }
}

function reason(error: unknown): string {
  const words: Readonly<Record<string, string>> = {
    ENOENT: "no such file or directory",
    EACCES: "permission denied",
    EISDIR: "is a directory",
    ENOTDIR: "not a directory",
  };
  return words[errnoOf(error) ?? ""] ?? (error as Error).message;
}

/** One `--label`. */
export function parseLabel(text: string): string {
  if (cut(text)[0] === "") throw new Error(`invalid label '${text}': empty name`);
  return text;
}
