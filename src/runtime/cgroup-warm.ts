import { readFile, writeFile } from "node:fs/promises";

/**
 * Moving a process into a cgroup takes a lock whose first writer after some 10 ms of quiet waits for an RCU grace
 * period (kernel/cgroup/cgroup.c, cgroup_attach_lock; kernel/rcu/sync.c): measured 10 ms, against 0.1 ms for a second
 * write shortly after. A container's start does such a move. Writing our own process to the cgroup that it is in
 * changes nothing and pays that wait ahead of time, beside other work.
 */
export class CgroupWarmer {
  #file: Promise<string | undefined> | undefined;
  #busy = false;

  /** Returns at once; failures do not matter. */
  warm(): void {
    if (this.#busy) return;
    this.#busy = true;
    this.#file ??= findProcsFile();
    void this.#file
      .then((file) => (file === undefined ? undefined : writeFile(file, "0")))
      .catch(() => {})
      .finally(() => {
        this.#busy = false;
      });
  }
}

/** `cgroup.procs` of the cgroup that this process is in: of the pids hierarchy, or of the v2 tree. */
async function findProcsFile(): Promise<string | undefined> {
  const lines = (await readFile("/proc/self/cgroup", "utf8")).split("\n");
  const v1 = lines.find((line) => /^\d+:pids:/.test(line));
  if (v1 !== undefined) return `/sys/fs/cgroup/pids${v1.slice(v1.indexOf("/"))}/cgroup.procs`;
  const v2 = lines.find((line) => line.startsWith("0::/"));
  return v2 === undefined ? undefined : `/sys/fs/cgroup${v2.slice(3)}/cgroup.procs`;
}
