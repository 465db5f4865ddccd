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
  const words = translate(error.message, await commandOf(attempt).catch(() => ""));
  const exitCode = exitCodeOf(words);
  const message = `${prefix(attempt)}${words}: unknown`;
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

/** crun and runc name the same failures differently; the words of runc are those that Docker's users know. */
function translate(text: string, command: string): string {
  const words = plain(text);
  const unable = "unable to start container process: ";
  if (/^executable file .* not found in \$PATH/.test(words)) return `${unable}${notFound(command)}`;
  if (/^open executable: (operation not permitted|permission denied|is a directory)/i.test(words))
    return `${unable}exec: ${JSON.stringify(command)}: permission denied`;
  return words;
}

function notFound(command: string): string {
  const quoted = JSON.stringify(command);
  return command.includes("/")
    ? `exec: ${quoted}: stat ${command}: no such file or directory`
    : `exec: ${quoted}: executable file not found in $PATH`;
}

/** The last line, without the runtime's own prefix, the kernel's words in lower case as Go writes them. */
function plain(text: string): string {
  const last = text.trim().split("\n").at(-1) ?? "";
  return last
    .replace(/^time="[^"]*" level=\w+ msg="((?:[^"\\]|\\.)*)"$/, (_, message: string) =>
      message.replace(/\\(.)/g, "$1"),
    )
    .replace(/^(?:runc|crun) (?:run|exec|create) failed: |^exec failed: /, "")
    .replace(/No such file or directory|Permission denied|Not a directory|Is a directory/g, (word) =>
      word.toLowerCase(),
    );
}

function exitCodeOf(words: string): number {
  if (/executable file not found|no such file or directory/.test(words)) return 127;
  if (/permission denied|is a directory|not a directory/.test(words)) return 126;
  return 128;
}
