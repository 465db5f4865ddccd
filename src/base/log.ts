import { debuglog } from "node:util";

export type LogLevel = "debug" | "info" | "warn" | "error";
const order: readonly LogLevel[] = ["debug", "info", "warn", "error"];

/** Writes one line per event to stderr, as `time level message key=value …`. */
export interface Logger {
  debug(message: string, fields?: Record<string, unknown>): void;
  info(message: string, fields?: Record<string, unknown>): void;
  warn(message: string, fields?: Record<string, unknown>): void;
  error(message: string, fields?: Record<string, unknown>): void;
}

/** A logger that drops what is below `level`. `write` gets whole lines; stderr unless given. */
export function createLogger(level: LogLevel, write: (line: string) => void = (l) => process.stderr.write(l)): Logger {
  const at =
    (own: LogLevel) =>
    (message: string, fields: Record<string, unknown> = {}): void => {
      if (order.indexOf(own) < order.indexOf(level)) return;
      write(`time=${new Date().toISOString()} level=${own} msg=${quote(message)}${format(fields)}\n`);
    };
  return { debug: at("debug"), info: at("info"), warn: at("warn"), error: at("error") };
}

function format(fields: Record<string, unknown>): string {
  return Object.entries(fields)
    .filter(([, value]) => value !== undefined)
    .map(([key, value]) => ` ${key}=${quote(value instanceof Error ? value.message : String(value))}`)
    .join("");
}

function quote(text: string): string {
  return /^[\w./:@-]+$/.test(text) ? text : JSON.stringify(text);
}

/** The engine's debug channels: `NODE_DEBUG=keelson:net` prints what the network code does. */
export type DebugChannel = "net" | "kernel" | "shim" | "image" | "api" | "start" | "reconcile";

/** A function that prints on a channel, free of cost while the channel is off. */
export function debugChannel(channel: DebugChannel): (message: string, ...args: unknown[]) => void {
  return debuglog(`keelson:${channel}`);
}
