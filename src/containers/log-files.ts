import { type FileHandle, open, readdir } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { errnoOf } from "../base/errors.ts";

const chunk = 64 * 1024;

/** One file of a rotated log, opened: its name may change while it is read, its bytes do not. */
export interface LogFile {
  readonly handle: FileHandle;
  readonly inode: bigint;
}

/** Opens a log and its rotated predecessors (`path.2`, `path.1`, `path`), oldest first. No file at all is no error. */
export async function openLogFiles(path: string): Promise<LogFile[]> {
  const files: LogFile[] = [];
  const seen = new Set<bigint>();
  for (const name of await rotatedNames(path)) {
    const file = await openLogFile(name);
    if (!file) continue;
    // A rotation between two opens shows one file under two names.
    if (seen.has(file.inode)) await file.handle.close();
    else {
      seen.add(file.inode);
      files.push(file);
    }
  }
  return files;
}

export async function openLogFile(path: string): Promise<LogFile | undefined> {
  try {
    const handle = await open(path, "r");
    return { handle, inode: (await handle.stat({ bigint: true })).ino };
  } catch (error) {
    if (errnoOf(error) === "ENOENT") return undefined;
    throw error;
  }
}

async function rotatedNames(path: string): Promise<string[]> {
  const base = `${basename(path)}.`;
  const names = await readdir(dirname(path)).catch(() => []);
  const numbers = names
    .filter((name) => name.startsWith(base) && /^\d+$/.test(name.slice(base.length)))
    .map((name) => Number(name.slice(base.length)))
    .sort((a, b) => b - a);
  return [...numbers.map((number) => join(dirname(path), base + number)), path];
}

/**
 * Where the last `lines` lines of the files begin: the index of a file and the offset in it. Counts line ends from the
 * back, so that the tail of a large log is found without reading the rest.
 */
export async function tailStart(
  files: readonly LogFile[],
  lines: number,
): Promise<{ readonly index: number; readonly offset: number }> {
  if (lines <= 0) {
    const last = files.length - 1;
    return { index: Math.max(last, 0), offset: last < 0 ? 0 : Number((await files[last]!.handle.stat()).size) };
  }
  let missing = lines;
  const buffer = Buffer.allocUnsafe(chunk);
  for (let index = files.length - 1; index >= 0; index--) {
    const { handle } = files[index]!;
    let end = (await handle.stat()).size;
    let newest = true;
    while (end > 0) {
      const start = Math.max(0, end - chunk);
      const { bytesRead } = await handle.read(buffer, 0, end - start, start);
      for (let at = bytesRead - 1; at >= 0; at--) {
        if (buffer[at] !== 0x0a) continue;
        // The line end at the file's very end closes the last line; it begins none.
        if (newest && start + at === end - 1 && end === start + bytesRead) {
          newest = false;
          continue;
        }
        newest = false;
        missing--;
        if (missing === 0) return { index, offset: start + at + 1 };
      }
      newest = false;
      end = start;
    }
    // The file's first line has no line end before it.
    if ((await handle.stat()).size > 0) missing--;
    if (missing === 0) return { index, offset: 0 };
  }
  return { index: 0, offset: 0 };
}
