import { readFileSync } from "node:fs";

/**
 * When a process started, in clock ticks since boot (`starttime` of proc_pid_stat(5)): together with its PID it names a
 * process for as long as the machine runs. Undefined where there is no such process.
 */
export function startTimeOf(pid: number): bigint | undefined {
  try {
    return parseStartTime(readFileSync(`/proc/${pid}/stat`, "utf8"));
  } catch {
    return undefined;
  }
}

/** The 22nd field. The second one, the command, may hold blanks and brackets: the last bracket ends it. */
export function parseStartTime(stat: string): bigint | undefined {
  const field = stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19];
  return field === undefined ? undefined : BigInt(field);
}
