import { join } from "node:path";
import type { Mount } from "../kernel/kernel.ts";
import type { Container } from "./containers.ts";
import { type Context, runDir } from "./context.ts";

/** Docker's default size of /dev/shm, in bytes. */
const defaultSize = 64 << 20;

/** The host folder that is /dev/shm of a container whose IPC others may join, or that joins another's. */
export function shmDir(context: Pick<Context, "execRoot" | "records">, container: Container): string | undefined {
  const mode = container.hostConfig.IpcMode;
  if (mode === "shareable") return join(runDir(context, container.id), "shm");
  if (!mode?.startsWith("container:")) return undefined;
  return join(runDir(context, context.records.resolve(mode.slice("container:".length)).id), "shm");
}

/** The tmpfs of a container that shares its /dev/shm. */
export function shmMount(context: Pick<Context, "execRoot" | "records">, container: Container): Mount | undefined {
  if (container.hostConfig.IpcMode !== "shareable") return undefined;
  const size = container.hostConfig.ShmSize || defaultSize;
  const target = shmDir(context, container)!;
  return { type: "tmpfs", target, options: ["noexec", "nosuid", "nodev", "mode=1777", `size=${size}`] };
}
