import { newId } from "../../base/ids.ts";
import { never } from "../../base/time.ts";
import { hostPlatform } from "../../oci/platform.ts";
import type { Container, ContainerState, Exec } from "../containers.ts";

export const createdState: ContainerState = {
  status: "created",
  pid: 0,
  exitCode: 0,
  oomKilled: false,
  error: "",
  startedAt: never,
  finishedAt: never,
};

/** A record as a creation with nothing special in it makes it. */
export function sampleContainer(change: Partial<Container> = {}): Container {
  const id = change.id ?? newId();
  return {
    id,
    name: `sample-${id.slice(0, 6)}`,
    created: "2026-01-02T03:04:05.000000006Z",
    image: `sha256:${"1".repeat(64)}`,
    imageName: "sample",
    platform: hostPlatform(),
    config: { Image: "sample" },
    hostConfig: {},
    networking: {},
    mounts: [],
    path: "true",
    args: [],
    state: createdState,
    restartCount: 0,
    stoppedByUser: false,
    execIds: [],
    ...change,
  };
}

export function sampleExec(change: Partial<Exec> = {}): Exec {
  return {
    id: newId(),
    containerId: newId(),
    config: { Cmd: ["true"] },
    running: false,
    exitCode: null,
    pid: 0,
    ...change,
  };
}
