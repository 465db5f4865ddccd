import type { Command } from "./command.ts";
import { type Entry, entriesOf, groups, missing, pathsOf } from "./command-table.ts";
import type { Flag } from "./flags.ts";

const width = 80;

/** The help of a command, laid out as Docker's. */
export function commandHelp(path: string, entry: Entry, command: Command): string {
  const aliases = pathsOf(entry);
  const parts = [`Usage:  ${path} ${command.usage}`.trimEnd(), command.summary];
  if (aliases.length > 1) parts.push(`Aliases:\n  ${aliases.join(", ")}`);
  const options = flagTable(command.flags);
  if (options !== "") parts.push(`Options:\n${options}`);
  return `${parts.join("\n\n")}\n`;
}

/** The help of a group such as `container`. */
export function groupHelp(name: string): string {
  return [
    `Usage:  keelson ${name} COMMAND`,
    groups[name]!,
    `Commands:\n${nameTable(entriesOf(name))}`,
    `Run 'keelson ${name} COMMAND --help' for more information on a command.\n`,
  ].join("\n\n");
}

/** What `keelson` and `keelson help` print. */
export function rootHelp(globals: readonly Flag[]): string {
  const common = ["run", "exec", "ps", "pull", "images", "version", "info"];
  const all = entriesOf("");
  return [
    "Usage:  keelson [OPTIONS] COMMAND",
    "A container engine that speaks Docker's language",
    `Common Commands:\n${nameTable(common.map((name) => all.find(([own]) => own === name)!))}`,
    `Management Commands:\n${nameTable(Object.entries(groups))}`,
    `Commands:\n${nameTable(all.filter(([name]) => !common.includes(name)))}`,
    `Not there yet:\n${wrap([...missing].join(", "), width - 2)
      .map((line) => `  ${line}`)
      .join("\n")}`,
    `Global Options:\n${flagTable(globals)}`,
    "Run 'keelson COMMAND --help' for more information on a command.\n",
  ].join("\n\n");
}

function nameTable(rows: ReadonlyArray<readonly [string, string]>): string {
  const longest = Math.max(11, ...rows.map(([name]) => name.length + 1));
  return rows.map(([name, summary]) => `  ${name.padEnd(longest)} ${summary}`).join("\n");
}

/** The flags in alphabetical order, their texts wrapped beside them. */
export function flagTable(flags: readonly Flag[]): string {
  const shown = flags.filter((flag) => !flag.hidden).sort((a, b) => (a.name < b.name ? -1 : 1));
  const heads = shown.map((flag) => {
    const short = flag.short ? `-${flag.short}, ` : "    ";
    return `  ${short}--${flag.name}${flag.type ? ` ${flag.type}` : ""}`;
  });
  const left = Math.max(0, ...heads.map((head) => head.length)) + 3;
  return shown
    .map((flag, index) => {
      const text = flag.shown === undefined ? flag.help : `${flag.help} (default ${flag.shown})`;
      const lines = text.split("\n").flatMap((line) => wrap(line, Math.max(24, width - left)));
      return heads[index]!.padEnd(left) + lines.join(`\n${" ".repeat(left)}`);
    })
    .join("\n");
}

function wrap(text: string, columns: number): string[] {
  const lines: string[] = [];
  let line = "";
  for (const word of text.split(/(?<=\S) (?=\S)/)) {
    if (line !== "" && line.length + 1 + word.length > columns) {
      lines.push(line);
      line = word;
    } else line = line === "" ? word : `${line} ${word}`;
  }
  return [...lines, line];
}
