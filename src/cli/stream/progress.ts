import type { Client } from "../../client/client.ts";
import { Failure } from "../failure.ts";
import { humanSize } from "../format/human.ts";

/** One line of a pull's or load's answer (engine-api, JSONMessage). */
export interface ProgressLine {
  readonly stream?: string;
  readonly status?: string;
  readonly id?: string;
  readonly progressDetail?: { readonly current?: number; readonly total?: number };
  readonly error?: string;
  readonly errorDetail?: { readonly code?: number; readonly message: string };
  readonly aux?: unknown;
}

/** The least of a stream that progress is written to. */
export interface ProgressTarget {
  readonly isTTY?: boolean;
  readonly columns?: number;
  write(text: string): unknown;
}

/**
 * Shows progress as it comes: on a terminal one line an ID, rewritten in place with a bar; elsewhere plain lines, one a
 * status. Throws the error that a line tells of.
 */
export async function showProgress(lines: AsyncIterable<ProgressLine>, target: ProgressTarget): Promise<void> {
  const rows = new Map<string, number>();
  for await (const line of lines) {
    const error = line.errorDetail?.message ?? line.error;
    if (error !== undefined) throw new Failure(error);
    if (line.aux !== undefined) continue;
    if (target.isTTY) drawLine(line, target, rows);
    else if (line.stream !== undefined) target.write(line.stream);
    else if (line.progressDetail?.current === undefined && line.status !== undefined) target.write(plain(line));
  }
}

function plain({ id, status }: ProgressLine): string {
  return id ? `${id}: ${status}\n` : `${status}\n`;
}

/** Rewrites the line of an ID in place, a new one at the end where the ID is new (ECMA-48: CUU, CUD, EL). */
function drawLine(line: ProgressLine, target: ProgressTarget, rows: Map<string, number>): void {
  if (line.stream !== undefined) {
    target.write(line.stream);
    return;
  }
  if (!line.id) {
    target.write(`${line.status ?? ""}\n`);
    // What follows stands below this line.
    rows.clear();
    return;
  }
  const isNew = !rows.has(line.id);
  if (isNew) {
    rows.set(line.id, rows.size);
    target.write("\n");
  }
  const up = rows.size - rows.get(line.id)!;
  const text = `${line.id}: ${line.status ?? ""}${bar(line, (target.columns ?? 80) - line.id.length - (line.status ?? "").length - 3)}`;
  target.write(`\x1b[${up}A\x1b[2K\r${text}\r\x1b[${up}B`);
}

/** ` [=====>    ]  1.2MB/3.4MB` */
function bar({ progressDetail }: ProgressLine, room: number): string {
  const { current = 0, total = 0 } = progressDetail ?? {};
  if (current <= 0 && total <= 0) return "";
  if (total <= 0 || current > total) return ` ${humanSize(current).padStart(8)}`;
  const numbers = ` ${humanSize(current).padStart(8)}/${humanSize(total)}`;
  const width = Math.min(50, room - numbers.length - 4);
  if (width < 10) return numbers;
  const done = Math.floor((current / total) * width);
  const head = done < width ? ">" : "";
  return ` [${"=".repeat(done)}${head}${" ".repeat(Math.max(0, width - done - 1))}] ${numbers}`;
}

/** Pulls an image, with its progress on `target` (none for a quiet pull). */
export async function pullImage(
  client: Client,
  query: { fromImage: string; tag?: string; platform?: string },
  target: ProgressTarget | undefined,
): Promise<void> {
  const lines = await client.lines("POST /images/create", { query });
  await showProgress(lines as AsyncIterable<ProgressLine>, target ?? { write: () => {} });
}
