import { Readable } from "node:stream";
import { invalid } from "../base/errors.ts";
import type { Operation } from "../base/operation.ts";
import type { Container, LogOptions } from "./containers.ts";
import { type Context, logPath } from "./context.ts";
import { frame } from "./frames.ts";
import { type LogEntry, readLog } from "./log-reader.ts";

/** The log as Docker streams it: frames, or raw bytes for a container with a terminal. */
export function openLogs(
  context: Context,
  op: Operation,
  container: Container,
  options: LogOptions,
): { readonly stream: Readable; readonly tty: boolean } {
  const path = logPath(context, container);
  if (path === undefined) throw invalid("configured logging driver does not support reading");
  if (!options.stdout && !options.stderr) throw invalid("Bad parameters: you must choose at least one stream");
  const tty = container.config.Tty === true;
  const ended = context.live.get(container.id)?.settled;
  const left = new AbortController();
  const source = { path, ended, signal: AbortSignal.any([op.signal, left.signal]) };
  const pieces = render(readLog(source, options), options, tty);
  return { stream: Readable.from(abortable(pieces, left), { objectMode: false }), tty };
}

/** A generator that waits for the log to grow does not hear of its stream's end by itself. */
function abortable(pieces: AsyncGenerator<Buffer>, left: AbortController): AsyncIterable<Buffer> {
  return {
    [Symbol.asyncIterator]: () => ({
      next: () => pieces.next(),
      return: () => {
        left.abort();
        return pieces.return(undefined);
      },
    }),
  };
}

async function* render(batches: AsyncIterable<LogEntry[]>, options: LogOptions, tty: boolean): AsyncGenerator<Buffer> {
  for await (const entries of batches) {
    const parts = entries
      .filter(({ stream }) => (stream === "stderr" ? options.stderr : options.stdout))
      .map((entry) => {
        const bytes = Buffer.from(line(entry, options));
        return tty ? bytes : frame(entry.stream === "stderr" ? 2 : 1, bytes);
      });
    if (parts.length > 0) yield Buffer.concat(parts);
  }
}

function line(entry: LogEntry, options: LogOptions): string {
  const attributes = options.details ? `${attributesOf(entry)} ` : "";
  return options.timestamps ? `${padded(entry.time)} ${attributes}${entry.log}` : attributes + entry.log;
}

function attributesOf({ attrs = {} }: LogEntry): string {
  return Object.keys(attrs)
    .sort()
    .map((key) => `${encodeURIComponent(key)}=${encodeURIComponent(attrs[key]!)}`)
    .join(",");
}

/** Docker prints nine digits, whatever the file has. */
function padded(time: string): string {
  return time.replace(/(?:\.(\d+))?Z$/, (_, fraction: string = "") => `.${fraction.padEnd(9, "0")}Z`);
}
