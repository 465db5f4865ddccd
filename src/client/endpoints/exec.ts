import { type Static, Type } from "@sinclair/typebox";
import { ExecConfig } from "./container-config.ts";
import { Answer, endpoint, Int, Nullable, Strings } from "./endpoint.ts";

export const execCreate = endpoint({
  method: "POST",
  path: "/containers/{id}/exec",
  body: ExecConfig,
  responses: { 201: Answer({ Id: Type.String() }) },
});

/** With `Detach` the answer is empty; else the connection becomes the process's stdio. */
export const execStart = endpoint({
  method: "POST",
  path: "/exec/{id}/start",
  kind: "hijack",
  body: Type.Partial(Type.Object({ Detach: Type.Boolean(), Tty: Type.Boolean(), ConsoleSize: Type.Array(Int) })),
  responses: { 200: null, 101: null },
});

export const execResize = endpoint({
  method: "POST",
  path: "/exec/{id}/resize",
  query: Type.Partial(Type.Object({ h: Type.String(), w: Type.String() })),
  responses: { 200: null },
});

/** engine-api, ExecInspect. */
export const ExecInspect = Answer({
  ID: Type.String(),
  Running: Type.Boolean(),
  ExitCode: Nullable(Int),
  ProcessConfig: Answer({
    tty: Type.Boolean(),
    entrypoint: Type.String(),
    arguments: Strings,
    privileged: Type.Optional(Type.Boolean()),
    user: Type.Optional(Type.String()),
  }),
  OpenStdin: Type.Boolean(),
  OpenStderr: Type.Boolean(),
  OpenStdout: Type.Boolean(),
  CanRemove: Type.Boolean(),
  ContainerID: Type.String(),
  DetachKeys: Type.String(),
  Pid: Int,
});
export type ExecInspect = Static<typeof ExecInspect>;

export const execInspect = endpoint({ method: "GET", path: "/exec/{id}/json", responses: { 200: ExecInspect } });

export const execEndpoints = [execCreate, execStart, execResize, execInspect] as const;
