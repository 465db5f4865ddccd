/**
 * The import rule of the house: a file imports from its own folder and from the floors below (`src/floors.json`). Says
 * every import that breaks it, every exception that nothing needs any more, and every folder that no floor names.
 */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";

interface Floors {
  readonly floors: readonly (readonly string[])[];
  /** Folders that may import only from the named ones, whatever lies below them. */
  readonly only: Readonly<Record<string, readonly string[]>>;
  /** Planned folders that need not exist. */
  readonly notYet: readonly string[];
  readonly exceptions: ReadonlyArray<{ readonly from: string; readonly to: string; readonly why: string }>;
}

/** The faults found below `src`, one line each; none when all is well. */
export function checkFloors(src: string): string[] {
  const rules = JSON.parse(readFileSync(join(src, "floors.json"), "utf8")) as Floors;
  const level = new Map(rules.floors.flatMap((names, floor) => names.map((name) => [name, floor] as const)));
  const unused = new Set(rules.exceptions);
  const faults: string[] = [];
  for (const file of sources(src)) {
    const from = relative(src, file);
    for (const target of importsOf(file)) {
      const to = relative(src, target);
      const exception = rules.exceptions.find((known) => known.from === from && known.to === to);
      if (exception) unused.delete(exception);
      else if (to.startsWith("..")) faults.push(`${from} imports ${to}, which is outside src`);
      else if (!allowed(folderOf(from), folderOf(to), level, rules)) faults.push(`${from} must not import ${to}`);
      if (!existsSync(target)) faults.push(`${from} imports ${to}, which does not exist`);
    }
  }
  for (const { from, to } of unused) faults.push(`floors.json: the exception ${from} -> ${to} is stale`);
  return [...faults, ...staleFolders(src, level, rules)];
}

function allowed(from: string, to: string, level: ReadonlyMap<string, number>, rules: Floors): boolean {
  if (from === to) return true;
  const only = rules.only[from];
  if (only) return only.includes(to);
  const [upper, lower] = [level.get(from), level.get(to)];
  return upper !== undefined && lower !== undefined && lower < upper;
}

function staleFolders(src: string, level: ReadonlyMap<string, number>, rules: Floors): string[] {
  const present = readdirSync(src, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map((entry) => entry.name);
  const named = [...level.keys()].filter((name) => name !== ".");
  return [
    ...present.filter((name) => !level.has(name)).map((name) => `floors.json: no floor names src/${name}`),
    ...named
      .filter((name) => !present.includes(name) && !rules.notYet.includes(name))
      .map((name) => `floors.json: src/${name} does not exist`),
    ...rules.notYet.filter((name) => present.includes(name)).map((name) => `floors.json: src/${name} is there now`),
  ];
}

function folderOf(path: string): string {
  return path.includes("/") ? path.slice(0, path.indexOf("/")) : ".";
}

function importsOf(file: string): string[] {
  // Without comments, whose examples import what they like.
  const text = readFileSync(file, "utf8").replace(/\/\*[\s\S]*?\*\//g, "");
  return [...text.matchAll(/(?:^import\s|\sfrom\s|\bimport\(|\bnew URL\()\s*"(\.{1,2}\/[^"]+)"/gm)]
    .map((match) => resolve(dirname(file), match[1]!))
    .filter((path) => /\.(ts|json)$/.test(path));
}

function sources(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return sources(path);
    return entry.name.endsWith(".ts") ? [path] : [];
  });
}
