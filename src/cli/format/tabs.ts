export interface TabOptions {
  /** The least width of a column, padding counted. */
  readonly minWidth: number;
  readonly padding: number;
}

/**
 * Turns tabs into columns as Go's text/tabwriter does: a cell is what ends in a tab; a column is as wide as its widest
 * cell among neighbouring lines that have it; what follows the last tab is written as it is.
 */
export function alignTabs(text: string, { minWidth, padding }: TabOptions): string {
  const lines = text.split("\n").map((line) => line.split("\t"));
  const widths = lines.map((): number[] => []);
  const most = Math.max(...lines.map((cells) => cells.length)) - 1;
  for (let column = 0; column < most; column++) {
    for (let first = 0; first < lines.length; ) {
      let end = first;
      let width = minWidth;
      for (; end < lines.length && lines[end]!.length - 1 > column; end++)
        width = Math.max(width, [...lines[end]![column]!].length + padding);
      for (let line = first; line < end; line++) widths[line]![column] = width;
      first = Math.max(end, first + 1);
    }
  }
  return lines
    .map((cells, line) => cells.map((cell, column) => pad(cell, widths[line]![column] ?? 0)).join(""))
    .join("\n");
}

function pad(cell: string, width: number): string {
  return cell + " ".repeat(Math.max(0, width - [...cell].length));
}
