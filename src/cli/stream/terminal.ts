import { Failure } from "../failure.ts";

/** The size of a terminal in characters. */
export interface Size {
  readonly height: number;
  readonly width: number;
}

/** Throws where a terminal is asked for and standard input is none. */
export function requireTerminal(
  streams: { readonly stdin: NodeJS.ReadStream },
  attachesStdin: boolean,
  tty: boolean,
): void {
  if (attachesStdin && tty && !streams.stdin.isTTY) throw new Failure("the input device is not a TTY");
}

/** Signals that would end us and leave the terminal raw. */
const deadly = ["SIGTERM", "SIGHUP", "SIGINT", "SIGQUIT"] as const;

/**
 * Puts the terminal into raw mode: every key goes to the container. The returned function puts it back; it is also
 * called when the process exits, be it by a signal.
 */
export function enterRawMode(stdin: NodeJS.ReadStream): () => void {
  if (!stdin.isTTY || stdin.isRaw) return () => {};
  const restore = (): void => {
    process.off("exit", restore);
    for (const signal of deadly) process.off(signal, die);
    if (!stdin.destroyed) stdin.setRawMode(false);
  };
  const die = (signal: NodeJS.Signals): void => {
    restore();
    // Without our listener the signal does what it always does.
    process.kill(process.pid, signal);
  };
  stdin.setRawMode(true);
  process.on("exit", restore);
  for (const signal of deadly) process.on(signal, die);
  return restore;
}

/** The size of our terminal; undefined where output is none. */
export function terminalSize(stdout: NodeJS.WriteStream): Size | undefined {
  if (!stdout.isTTY || !stdout.rows || !stdout.columns) return undefined;
  return { height: stdout.rows, width: stdout.columns };
}

/** Calls `resize` now and whenever the terminal's size changes, until the returned function is called. */
export function followSize(stdout: NodeJS.WriteStream, resize: (size: Size) => Promise<unknown>): () => void {
  const tell = (): void => {
    const size = terminalSize(stdout);
    // A container that has just ended cannot be resized, and nobody minds.
    if (size) resize(size).catch(() => {});
  };
  tell();
  stdout.on("resize", tell);
  return () => stdout.off("resize", tell);
}
