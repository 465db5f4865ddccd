import { readFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { KeelsonError } from "../base/errors.ts";
import { ShimError } from "./shim-connection.ts";

/** What was to be run, for the words of the error. */
export interface Attempt {
  readonly verb: "start" | "exec";
  readonly runtime: string;
  /** A bundle, or an exec's process file. */
  readonly path: string;
}

/**
 * The error of a start or exec that the runtime refused, in the words that Docker's clients look for: the docker CLI
 * exits with 127 where it finds `executable file not found` or `no such file or directory`, with 126 where it finds
 * `permission denied` (docker/cli, cli/command/container/run.go, toStatusError).
 */
export async function runtimeError(error: unknown, attempt: Attempt): Promise<KeelsonError> {
  if (!(error instanceof ShimError) || !error.fromRuntime) throw error;
  const words = translate(error.message, await commandOf(attempt).catch(() => ""), attempt.verb);
  const exitCode = exitCodeOf(words);
  const message = `${prefix(attempt)}${words}`;
  return new KeelsonError(exitCode === 128 ? "system" : "invalid", message, { exitCode, cause: error });
}

function prefix(attempt: Attempt): string {
  const name = basename(attempt.runtime);
  return attempt.verb === "start"
    ? `failed to create task for container: failed to create shim task: OCI runtime create failed: ${name} create failed: `
    : "OCI runtime exec failed: exec failed: ";
}

async function commandOf(attempt: Attempt): Promise<string> {
  const file = attempt.verb === "start" ? join(attempt.path, "config.json") : attempt.path;
  const parsed = JSON.parse(await readFile(file, "utf8")) as { args?: string[]; process?: { args?: string[] } };
  return (attempt.verb === "start" ? parsed.process?.args?.[0] : parsed.args?.[0]) ?? "";
}

/** crun and runc name the same failures differently; the words of Docker 28, which come from runc 1.3, are what users know. */
function translate(text: string, command: string, verb: Attempt["verb"]): string {
  const words = plain(text);
  const quoted = `exec: ${JSON.stringify(command)}`;
  for (const [pattern, answer] of [
    [/^executable file .* not found/, notFound(command)],
    [/^the path .* exists but it is not executable|^open executable: permission denied/, "permission denied"],
    [
      /^the path .* is not a regular file|^open executable: operation not permitted/,
      "is a directory: permission denied",
    ],
    [/^exec: ".*": is a directory$/, "is a directory: permission denied"],
  ] as const)
    if (pattern.test(words)) return `${unable(verb)}${quoted}: ${answer}`;
  return words.startsWith("exec: ") ? `${unable(verb)}${words}` : words;
}

function unable(verb: Attempt["verb"]): string {
  return `unable to start container process: ${verb === "start" ? "error during container init: " : ""}`;
}

function notFound(command: string): string {
  return command.includes("/") ? `stat ${command}: no such file or directory` : "executable file not found in $PATH";
}

/** The last line, without the runtime's own prefix, the kernel's words in lower case as Go writes them. */
function plain(text: string): string {
  const last = text.trim().split("\n").at(-1) ?? "";
  return last
    .replace(/^time="[^"]*" level=\w+ msg="((?:[^"\\]|\\.)*)"$/, (_, message: string) =>
      message.replace(/\\(.)/g, "$1"),
    )
    .replace(/^(?:runc|crun) (?:run|exec|create) failed: |^exec failed: /, "")
    .replace(/^unable to start container process: (?:error during container init: )?(?=exec: )/, "")
    .replace(
      /No such file or directory|Permission denied|Operation not permitted|Not a directory|Is a directory/g,
      (word) => word.toLowerCase(),
    );
}

function exitCodeOf(words: string): number {
  if (/executable file not found|no such file or directory/.test(words)) return 127;
  if (/permission denied|is a directory|not a directory/.test(words)) return 126;
  return 128;
}
