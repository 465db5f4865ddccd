import type { ExecInspect } from "../../client/endpoints/exec.ts";
import type { Exec } from "../../containers/containers.ts";

/** An exec as inspect shows it. */
export function execInspect(exec: Exec): ExecInspect {
  const { config } = exec;
  const [entrypoint = "", ...args] = typeof config.Cmd === "string" ? [config.Cmd] : (config.Cmd ?? []);
  return {
    ID: exec.id,
    Running: exec.running,
    ExitCode: exec.exitCode,
    ProcessConfig: {
      tty: config.Tty ?? false,
      entrypoint,
      arguments: args,
      privileged: config.Privileged ?? false,
      ...(config.User && { user: config.User }),
    },
    OpenStdin: config.AttachStdin ?? false,
    OpenStderr: config.AttachStderr ?? false,
    OpenStdout: config.AttachStdout ?? false,
    CanRemove: exec.exitCode !== null,
    ContainerID: exec.containerId,
    DetachKeys: exec.detachKeys ?? "",
    Pid: exec.pid,
  };
}
