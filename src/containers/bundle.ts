import { join } from "node:path";
import { conflict, invalid } from "../base/errors.ts";
import type { ExecConfig } from "../client/endpoints/container-config.ts";
import type { Sandbox } from "../networks/networks.ts";
import type { Process, RuntimeSpec } from "../oci/runtime-spec.ts";
import { buildExecProcess, buildSpec } from "../runtime/spec.ts";
import { resolveUser } from "../runtime/users.ts";
import type { Container } from "./containers.ts";
import { type Context, rootfsDir, runDir } from "./context.ts";
import { commandOf } from "./exec.ts";
import { shmDir } from "./shm.ts";

/** The files that the engine keeps for a container, all in its run folder. */
export interface OwnFiles {
  readonly hosts: string;
  readonly hostname: string;
  readonly resolvConf: string;
}

export function ownFiles(context: Pick<Context, "execRoot">, id: string): OwnFiles {
  const dir = runDir(context, id);
  return { hosts: join(dir, "hosts"), hostname: join(dir, "hostname"), resolvConf: join(dir, "resolv.conf") };
}

export interface Bundle {
  readonly spec: RuntimeSpec;
  readonly user: Process["user"];
}

/**
 * What the runtime is told about a container whose root is mounted. `sources` gives the host folder of each mount that
 * has none of its own, by destination.
 */
export function bundleOf(
  context: Context,
  container: Container,
  sandbox: Sandbox,
  sources: ReadonlyMap<string, string>,
): Bundle {
  const { id, config, hostConfig } = container;
  const rootfs = rootfsDir(context, id);
  const { user, home } = resolveUser(rootfs, config.User ?? "", hostConfig.GroupAdd);
  const files = ownFiles(context, id);
  const hostname = config.Hostname ?? "";
  const spec = buildSpec({
    id,
    config,
    hostConfig,
    rootfs,
    args: [container.path, ...container.args],
    user,
    home,
    hostname,
    mounts: container.mounts.map((mount) => ({ ...mount, source: sources.get(mount.destination) ?? mount.source })),
    network: sandbox.namespace ?? "host",
    files,
    joined: { pid: joined(context, hostConfig.PidMode, "pid"), ipc: joined(context, hostConfig.IpcMode, "ipc") },
    shm: shmDir(context, container),
    initPath: context.initPath,
    host: context.host,
  });
  return { spec, user };
}

/** The process that an exec runs, with the container's own surroundings. */
export function execProcessOf(context: Context, container: Container, exec: ExecConfig): Process {
  const { config, hostConfig } = container;
  // The running container's own view of its files: it may have a passwd file that the image has not.
  const root = `/proc/${container.state.pid}/root`;
  const { user, home } = resolveUser(root, exec.User || config.User || "", hostConfig.GroupAdd);
  const hostname = config.Hostname ?? "";
  return buildExecProcess({
    config,
    hostConfig,
    user,
    home,
    hostname,
    args: commandOf(exec),
    host: context.host,
    exec,
  });
}

/** The namespace of another container, for `container:NAME`. */
function joined(context: Context, mode: string | undefined, type: "pid" | "ipc"): string | undefined {
  if (!mode?.startsWith("container:")) return undefined;
  const other = context.records.resolve(mode.slice("container:".length));
  if (other.state.pid === 0)
    throw conflict(`cannot join ${type.toUpperCase()} of a non running container: ${other.id}`, { id: other.id });
  if (type === "ipc" && !isShareable(other))
    throw invalid(
      `cannot join IPC of container ${other.id}: non-shareable IPC (hint: use IpcMode:shareable for the donor container)`,
    );
  return `/proc/${other.state.pid}/ns/${type}`;
}

function isShareable({ hostConfig }: Container): boolean {
  return hostConfig.IpcMode === "shareable";
}
