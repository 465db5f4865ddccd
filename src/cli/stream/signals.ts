import { constants } from "node:os";

/** Signals that are not handed on: the kernel's, Node's own, and those that a terminal sends for its own sake. */
const kept = new Set([
  "SIGCHLD",
  "SIGPIPE",
  "SIGURG",
  "SIGKILL",
  "SIGSTOP",
  "SIGPROF",
  "SIGWINCH",
  "SIGSEGV",
  "SIGBUS",
  "SIGFPE",
  "SIGILL",
  "SIGTRAP",
  "SIGABRT",
  "SIGIOT",
  "SIGVTALRM",
  "SIGUNUSED",
  "SIGSTKFLT",
  "SIGPOLL",
]);

/** Hands every signal that we get on to `send`, until the returned function is called. */
export function proxySignals(send: (signal: NodeJS.Signals) => Promise<unknown>): () => void {
  const listeners: Array<[NodeJS.Signals, () => void]> = [];
  for (const name of Object.keys(constants.signals) as NodeJS.Signals[]) {
    if (kept.has(name)) continue;
    const listener = (): void => void send(name).catch(() => {});
    try {
      process.on(name, listener);
      listeners.push([name, listener]);
    } catch {
      // Some signals cannot be listened to on some systems.
    }
  }
  return () => {
    for (const [name, listener] of listeners) process.off(name, listener);
  };
}
