import { bool, type Flag, list, string } from "./flags.ts";
import { parseFilter } from "./parse/policies.ts";

const formats =
  "'json':             Print in JSON format\n'TEMPLATE':         Print output using the given Go template";

/** `--format` of a list. */
export const listFormat: Flag = string(
  "format",
  "",
  `Format output using a custom template:\n'table':            Print a table with headings (default)\n'table TEMPLATE':   Print a table using the given Go template\n${formats}`,
);

/** `--format` of one thing. */
export const oneFormat = (short = "f"): Flag =>
  string("format", short, `Format output using a custom template:\n${formats}`);

export const filter = (help: string, short = "f"): Flag => list("filter", short, help, parseFilter, { type: "filter" });
export const force = (help: string): Flag => bool("force", "f", help);
export const noTrunc: Flag = bool("no-trunc", "", "Don't truncate output");
export const quiet = (help: string): Flag => bool("quiet", "q", help);
export const platform = (help: string): Flag => string("platform", "", help);
export const stopSignal: Flag = string("signal", "s", "Signal to send to the container");
export const detachKeys: Flag = string("detach-keys", "", "Keys that detach from the container");
