import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { conflict, invalid, messageOf } from "../base/errors.ts";
import { processesOf } from "../runtime/cgroup.ts";
import type { Container } from "./containers.ts";

const run = promisify(execFile);

/** What ps(1) says of a container's processes. `psArgs` is split at spaces; `-ef` without one, as Docker's. */
export async function topContainer(
  container: Container,
  psArgs = "-ef",
): Promise<{ readonly titles: string[]; readonly processes: string[][] }> {
  if (container.state.status !== "running" && container.state.status !== "paused")
    throw conflict(`container ${container.id} is not running`, { id: container.id });
  const args = psArgs.trim().split(/\s+/);
  // Another column under the title PID could pass a row off as the container's own (moby's rule).
  for (const [, column, title] of psArgs.matchAll(/(?:^|[\s,])([^\s,=]*)=\s*(PID[^\s]*)/g))
    if (column !== "pid") throw invalid(`specifying "${column}=${title}" is not allowed`);
  const pids = await processesOf(container.state.pid);
  const table = await psTable(args);
  const [header = "", ...rows] = table.split("\n").filter((row) => row !== "");
  const titles = header.trim().split(/\s+/);
  const column = titles.indexOf("PID");
  if (column < 0) throw invalid("Couldn't find PID field in ps output");
  const wanted = new Set(pids.map(String));
  const processes = rows.map((row) => fields(row, titles.length)).filter((row) => wanted.has(row[column]!));
  return { titles, processes };
}

async function psTable(args: string[]): Promise<string> {
  try {
    return (await run("ps", args, { maxBuffer: 1 << 26 })).stdout;
  } catch (error) {
    const { stderr } = error as { stderr?: string };
    throw invalid(`ps: ${stderr?.split("\n")[0] || messageOf(error)}`, { cause: error });
  }
}

/** The last column takes the rest of the row, for commands have spaces. */
function fields(row: string, count: number): string[] {
  const parts = row.trim().split(/\s+/);
  return [...parts.slice(0, count - 1), parts.slice(count - 1).join(" ")];
}
