import { parsePlatform } from "../../oci/platform.ts";
import { atLeast, type Command } from "../command.ts";
import { containerFlags } from "../container-flags.ts";
import { apiSocketMount, type ContainerRequest, containerRequest } from "../container-request.ts";
import { checkPullPolicy, createContainer } from "../create-container.ts";
import { Failure, textOf } from "../failure.ts";
import type { Flags } from "../flags.ts";

export const command: Command = {
  usage: "[OPTIONS] IMAGE [COMMAND] [ARG...]",
  summary: "Create a container without starting it",
  args: atLeast(1),
  stopAtFirst: true,
  flags: containerFlags,
  async run({ context, flags, args, path }) {
    const request = readRequest(flags, args, path, context.client.host);
    checkPlatform(flags);
    context.print(`${await createContainer(context, request, flags)}\n`);
  },
};

/** What the flags ask for; throws {@link Failure} 125 with a hint at the help, as Docker does. */
export function readRequest(flags: Flags, args: readonly string[], path: string, host: string): ContainerRequest {
  refuseWindowsFlags(flags);
  try {
    checkPullPolicy(flags);
    const request = containerRequest(flags, args);
    if (flags.bool("use-api-socket"))
      request.hostConfig.Mounts = [...(request.hostConfig.Mounts ?? []), apiSocketMount(host)];
    return request;
  } catch (error) {
    throw withHelp(error, path, 125);
  }
}

function refuseWindowsFlags(flags: Flags): void {
  const given = ["cpu-count", "cpu-percent", "io-maxbandwidth", "io-maxiops"].filter((name) => flags.changed(name));
  const where = "is only supported on a Docker daemon running on windows, but the Docker daemon is running on linux";
  if (given.length > 0) throw new Failure(given.map((name) => `"--${name}" ${where}`).join("\n"));
}

/** The failure of `run` and `create`: the program's name before it, a hint at the help after it. */
export function withHelp(error: unknown, path: string, exitCode: number): Failure {
  return new Failure(`keelson: ${textOf(error)}\n\nRun '${path} --help' for more information`, exitCode, error);
}

export function checkPlatform(flags: Flags): void {
  const text = flags.string("platform");
  if (text === "") return;
  try {
    parsePlatform(text);
  } catch (error) {
    throw new Failure(`error parsing specified platform: ${textOf(error)}`, 1, error);
  }
}
