import { type Static, Type } from "@sinclair/typebox";
import { ContainerConfig, HostConfig, NetworkingConfig } from "./container-config.ts";
import { ContainerInspect } from "./container-inspect.ts";
import { MountPoint, NetworkEndpoint, PortSummary } from "./container-parts.ts";
import { Answer, endpoint, Filters, Int, Nullable, StringMap, Strings } from "./endpoint.ts";

/** One line of `docker ps` (engine-api, ContainerSummary). */
export const ContainerSummary = Answer({
  Id: Type.String(),
  Names: Strings,
  Image: Type.String(),
  ImageID: Type.String(),
  Command: Type.String(),
  /** Seconds since the epoch. */
  Created: Int,
  Ports: Type.Array(PortSummary),
  SizeRw: Type.Optional(Int),
  SizeRootFs: Type.Optional(Int),
  Labels: StringMap,
  State: Type.String(),
  Status: Type.String(),
  HostConfig: Answer({ NetworkMode: Type.String(), Annotations: Type.Optional(StringMap) }),
  NetworkSettings: Answer({ Networks: Type.Record(Type.String(), NetworkEndpoint) }),
  Mounts: Type.Array(MountPoint),
});
export type ContainerSummary = Static<typeof ContainerSummary>;

export const containerList = endpoint({
  method: "GET",
  path: "/containers/json",
  query: Type.Partial(
    Type.Object({
      all: Type.Boolean(),
      limit: Int,
      size: Type.Boolean(),
      filters: Filters,
      since: Type.String(),
      before: Type.String(),
    }),
  ),
  responses: { 200: Type.Array(ContainerSummary) },
});

export const ContainerCreateBody = Type.Intersect([
  ContainerConfig,
  Type.Partial(Type.Object({ HostConfig, NetworkingConfig })),
]);
export type ContainerCreateBody = Static<typeof ContainerCreateBody>;

export const containerCreate = endpoint({
  method: "POST",
  path: "/containers/create",
  query: Type.Partial(Type.Object({ name: Type.String(), platform: Type.String() })),
  body: ContainerCreateBody,
  responses: { 201: Answer({ Id: Type.String(), Warnings: Strings }) },
});

export const containerInspect = endpoint({
  method: "GET",
  path: "/containers/{id}/json",
  query: Type.Partial(Type.Object({ size: Type.Boolean() })),
  responses: { 200: ContainerInspect },
});

export const containerTop = endpoint({
  method: "GET",
  path: "/containers/{id}/top",
  query: Type.Partial(Type.Object({ ps_args: Type.String() })),
  responses: { 200: Answer({ Titles: Strings, Processes: Type.Array(Strings) }) },
});

export const containerLogs = endpoint({
  method: "GET",
  path: "/containers/{id}/logs",
  kind: "raw",
  query: Type.Partial(
    Type.Object({
      follow: Type.Boolean(),
      stdout: Type.Boolean(),
      stderr: Type.Boolean(),
      since: Type.String(),
      until: Type.String(),
      timestamps: Type.Boolean(),
      details: Type.Boolean(),
      tail: Type.String(),
    }),
  ),
  responses: { 200: null },
});

export const containerStart = endpoint({
  method: "POST",
  path: "/containers/{id}/start",
  query: Type.Partial(Type.Object({ detachKeys: Type.String(), checkpoint: Type.String() })),
  responses: { 204: null },
  finishes: true,
});

const stopQuery = Type.Partial(Type.Object({ signal: Type.String(), t: Int }));

export const containerStop = endpoint({
  method: "POST",
  path: "/containers/{id}/stop",
  query: stopQuery,
  responses: { 204: null },
  finishes: true,
});

export const containerRestart = endpoint({
  method: "POST",
  path: "/containers/{id}/restart",
  query: stopQuery,
  responses: { 204: null },
  finishes: true,
});

export const containerKill = endpoint({
  method: "POST",
  path: "/containers/{id}/kill",
  query: Type.Partial(Type.Object({ signal: Type.String() })),
  responses: { 204: null },
  finishes: true,
});

export const containerRename = endpoint({
  method: "POST",
  path: "/containers/{id}/rename",
  query: Type.Partial(Type.Object({ name: Type.String() })),
  responses: { 204: null },
  finishes: true,
});

export const containerResize = endpoint({
  method: "POST",
  path: "/containers/{id}/resize",
  query: Type.Partial(Type.Object({ h: Type.String(), w: Type.String() })),
  responses: { 200: null },
});

export const containerAttach = endpoint({
  method: "POST",
  path: "/containers/{id}/attach",
  kind: "hijack",
  query: Type.Partial(
    Type.Object({
      detachKeys: Type.String(),
      logs: Type.Boolean(),
      stream: Type.Boolean(),
      stdin: Type.Boolean(),
      stdout: Type.Boolean(),
      stderr: Type.Boolean(),
    }),
  ),
  responses: { 200: null, 101: null },
});

/** The answer's head is sent at once, its body when the condition holds. */
export const containerWait = endpoint({
  method: "POST",
  path: "/containers/{id}/wait",
  kind: "lines",
  query: Type.Partial(Type.Object({ condition: Type.String() })),
  responses: {
    200: Answer({ StatusCode: Int, Error: Type.Optional(Nullable(Answer({ Message: Type.String() }))) }),
  },
});

export const containerRemove = endpoint({
  method: "DELETE",
  path: "/containers/{id}",
  query: Type.Partial(Type.Object({ v: Type.Boolean(), force: Type.Boolean(), link: Type.Boolean() })),
  responses: { 204: null },
  finishes: true,
});

export const containerPrune = endpoint({
  method: "POST",
  path: "/containers/prune",
  since: "1.25",
  query: Type.Partial(Type.Object({ filters: Filters })),
  responses: { 200: Answer({ ContainersDeleted: Nullable(Strings), SpaceReclaimed: Int }) },
});

export const containerEndpoints = [
  containerList,
  containerCreate,
  containerInspect,
  containerTop,
  containerLogs,
  containerStart,
  containerStop,
  containerRestart,
  containerKill,
  containerRename,
  containerResize,
  containerAttach,
  containerWait,
  containerRemove,
  containerPrune,
] as const;
