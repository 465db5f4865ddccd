import type { ProgressLine } from "../../client/endpoints/images.ts";
import type { TransferEvent } from "../../images/images.ts";

/** One event of a pull, load or import, as a client's progress display reads it. */
export function progressLine(event: TransferEvent): ProgressLine {
  const { current, total } = event;
  const hasBytes = current !== undefined && current > 0;
  return {
    status: event.status,
    ...((event.id !== undefined || hasBytes) && {
      progressDetail: hasBytes ? { current, ...(total !== undefined && total > 0 && { total }) } : {},
    }),
    ...(hasBytes && { progress: progressBar(current, total) }),
    ...(event.id !== undefined && { id: event.id }),
  };
}

/** What a client sees of a failure once the answer has begun. */
export function errorLine(message: string): ProgressLine {
  return { errorDetail: { message }, error: message };
}

/** `[====>     ]  1.5MB/3MB`, for clients that do not draw their own. */
function progressBar(current: number, total: number | undefined): string {
  if (total === undefined || total <= 0) return bytesText(current).padStart(8);
  const filled = Math.min(50, Math.floor((current / total) * 50));
  const bar = filled >= 50 ? "=".repeat(50) : `${"=".repeat(filled)}>`;
  return `[${bar.padEnd(50)}] ${bytesText(current).padStart(8)}/${bytesText(total)}`;
}

/** Decimal units with four significant digits: `12.34MB`. */
function bytesText(bytes: number): string {
  const units = ["B", "kB", "MB", "GB", "TB"];
  let value = bytes;
  let unit = 0;
  while (value >= 1000 && unit < units.length - 1) {
    value /= 1000;
    unit++;
  }
  return `${Number(value.toPrecision(4))}${units[unit]}`;
}
