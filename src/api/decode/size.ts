import { invalid } from "../../base/errors.ts";
import type { TerminalSize } from "../../containers/containers.ts";

/** The size of a terminal from `h` and `w`, in characters. */
export function terminalSize(query: { readonly h?: string; readonly w?: string }): TerminalSize {
  return { height: edge("height", query.h), width: edge("width", query.w) };
}

function edge(name: string, text = ""): number {
  if (!/^\d+$/.test(text)) throw invalid(`invalid resize ${name} ${JSON.stringify(text)}: invalid syntax`);
  const value = Number(text);
  if (value > 65535) throw invalid(`invalid resize ${name} ${JSON.stringify(text)}: value out of range`);
  return value;
}

/** The same from a body's `ConsoleSize`, height first; undefined where it is absent or zero. */
export function consoleSize(pair: readonly number[] | undefined): TerminalSize | undefined {
  if (pair === undefined) return undefined;
  if (pair.length !== 2) throw invalid("invalid ConsoleSize: expected height and width");
  const [height = 0, width = 0] = pair;
  return height > 0 && width > 0 ? { height, width } : undefined;
}
