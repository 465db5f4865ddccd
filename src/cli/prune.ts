import { createInterface } from "node:readline/promises";
import type { Context } from "./context.ts";
import { Failure } from "./failure.ts";
import type { Flags } from "./flags.ts";
import { humanSize } from "./format/human.ts";
import { filterMap } from "./parse/policies.ts";

/** Asks before something is removed, unless `--force` says not to. Throws where the answer is no. */
export async function confirm(context: Context, flags: Flags, warning: string): Promise<void> {
  if (flags.bool("force")) return;
  const lines = createInterface({ input: context.stdin, output: context.stdout, terminal: false });
  context.print(`${warning}\nAre you sure you want to continue? [y/N] `);
  const answer = await new Promise<string>((resolve) => {
    lines.once("line", resolve);
    lines.once("close", () => resolve(""));
  });
  lines.close();
  if (!/^y(es)?$/i.test(answer.trim())) throw new Failure("", 0);
}

/** The filters of a prune. */
export function pruneFilters(flags: Flags): Record<string, string[]> {
  return filterMap(flags.get("filter"));
}

/** What was deleted, under its heading, and the space that it gave back. */
export function printDeleted(context: Context, heading: string, names: readonly string[] | null): void {
  if (names && names.length > 0) context.print(`${heading}\n${names.map((name) => `${name}\n`).join("")}\n`);
}

export function printReclaimed(context: Context, bytes: number): void {
  context.print(`Total reclaimed space: ${humanSize(bytes)}\n`);
}

/** An image prune's answer as lines. */
export function deletedImages(images: ReadonlyArray<{ Untagged?: string; Deleted?: string }> | null): string[] {
  return (images ?? []).map(({ Untagged, Deleted }) =>
    Untagged === undefined ? `deleted: ${Deleted}` : `untagged: ${Untagged}`,
  );
}
