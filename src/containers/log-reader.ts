import { type FSWatcher, watch } from "node:fs";
import { stat } from "node:fs/promises";
import { dirname } from "node:path";
import { parseNano } from "../base/time.ts";
import type { LogOptions } from "./containers.ts";
import { type LogFile, openLogFile, openLogFiles, tailStart } from "./log-files.ts";

/** One line of a json-file log. */
export interface LogEntry {
  readonly log: string;
  readonly stream: "stdout" | "stderr";
  readonly time: string;
  readonly attrs?: Readonly<Record<string, string>>;
}

export interface LogSource {
  readonly path: string;
  /** Resolves when the container has ended and its log is complete; undefined where it has already. */
  readonly ended: Promise<unknown> | undefined;
  readonly signal: AbortSignal;
}

/**
 * The entries of a json-file log in batches, through rotations, and with `follow` as they come until the container has
 * ended. Reads one chunk ahead at most, so that a slow reader costs no memory.
 */
export async function* readLog(
  source: LogSource,
  options: Pick<LogOptions, "follow" | "tail" | "since" | "until">,
): AsyncGenerator<LogEntry[]> {
  const waker = options.follow && source.ended ? new Waker(source) : undefined;
  const files: LogFile[] = [];
  try {
    files.push(...(await openLogFiles(source.path)));
    const start = options.tail === undefined ? { index: 0, offset: 0 } : await tailStart(files, options.tail);
    const keep = filter(options);
    for (let index = start.index; index < files.length; index++) {
      const lines = new LineReader(files[index]!, index === start.index ? start.offset : 0);
      const newest = index === files.length - 1;
      while (true) {
        const entries = await lines.next();
        if (entries.length > 0) {
          yield entries.filter(keep);
          if (past(entries, options.until)) return;
        } else if (!newest || !waker) break;
        else if (!(await waker.wait())) {
          // It ended while we looked: whatever it wrote last is there now.
          for (let rest = await lines.next(); rest.length > 0; rest = await lines.next()) yield rest.filter(keep);
          if (!(await followRotation(source.path, files, files[index]!))) return;
          break;
        } else if (await followRotation(source.path, files, files[index]!)) {
          for (let rest = await lines.next(); rest.length > 0; rest = await lines.next()) yield rest.filter(keep);
          break;
        }
      }
    }
    // A container that has written nothing yet has no file: wait for the first one.
    while (files.length === 0 && waker && (await waker.wait())) {
      const first = await openLogFile(source.path);
      if (!first) continue;
      await first.handle.close();
      yield* readLog(source, options);
      return;
    }
  } finally {
    waker?.close();
    await Promise.all(files.map(({ handle }) => handle.close()));
  }
}

/** Opens the files that came after `current` by a rotation and adds them to `files`; false where there was none. */
async function followRotation(path: string, files: LogFile[], current: LogFile): Promise<boolean> {
  const there = await stat(path, { bigint: true }).catch(() => undefined);
  if (there === undefined || there.ino === current.inode) return false;
  const now = await openLogFiles(path);
  const at = now.findIndex(({ inode }) => inode === current.inode);
  const newer = now.slice(at + 1);
  for (const file of now.slice(0, at + 1)) await file.handle.close();
  files.push(...newer);
  return newer.length > 0;
}

function filter(options: Pick<LogOptions, "since" | "until">): (entry: LogEntry) => boolean {
  const { since, until } = options;
  if (since === undefined && until === undefined) return () => true;
  return ({ time }) => {
    const at = parseNano(time) ?? 0n;
    return (since === undefined || at >= since) && (until === undefined || at <= until);
  };
}

function past(entries: readonly LogEntry[], until: bigint | undefined): boolean {
  if (until === undefined) return false;
  return (parseNano(entries.at(-1)!.time) ?? 0n) > until;
}

/** Reads whole lines from a growing file. */
class LineReader {
  readonly #file: LogFile;
  #offset: number;
  #rest: Buffer = Buffer.alloc(0);

  constructor(file: LogFile, offset: number) {
    this.#file = file;
    this.#offset = offset;
  }

  /** The entries of the next chunk; none at the end of what is written so far. */
  async next(): Promise<LogEntry[]> {
    while (true) {
      const buffer = Buffer.allocUnsafe(64 * 1024);
      const { bytesRead } = await this.#file.handle.read(buffer, 0, buffer.length, this.#offset);
      if (bytesRead === 0) return [];
      this.#offset += bytesRead;
      const bytes = Buffer.concat([this.#rest, buffer.subarray(0, bytesRead)]);
      const end = bytes.lastIndexOf(0x0a);
      this.#rest = bytes.subarray(end + 1);
      if (end < 0) continue;
      const entries = parseLines(bytes.toString("utf8", 0, end));
      if (entries.length > 0) return entries;
    }
  }
}

/** A line that is no JSON (a disk that was full, a crash of the machine) is passed over. */
function parseLines(text: string): LogEntry[] {
  return text.split("\n").flatMap((line) => {
    try {
      const entry = JSON.parse(line) as LogEntry;
      return typeof entry.log === "string" ? [entry] : [];
    } catch {
      return [];
    }
  });
}

/** Wakes a reader when something happened in the log's folder. */
class Waker {
  readonly #watcher: FSWatcher;
  readonly #abort = (): void => this.#finish();
  readonly #signal: AbortSignal;
  #ended = false;
  #dirty = true;
  #wake: (() => void) | undefined;

  constructor(source: LogSource) {
    this.#signal = source.signal;
    this.#watcher = watch(dirname(source.path), () => this.#touch());
    this.#watcher.on("error", this.#abort);
    source.signal.addEventListener("abort", this.#abort);
    void source.ended?.then(this.#abort, this.#abort);
    if (source.signal.aborted) this.#finish();
  }

  /** True when there may be more to read, false when there will be no more. */
  async wait(): Promise<boolean> {
    if (!this.#dirty && !this.#ended)
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    this.#dirty = false;
    return !this.#ended;
  }

  close(): void {
    this.#watcher.close();
    this.#signal.removeEventListener("abort", this.#abort);
  }

  #finish(): void {
    this.#ended = true;
    this.#touch();
  }

  #touch(): void {
    this.#dirty = true;
    this.#wake?.();
    this.#wake = undefined;
  }
}
