import { type Static, Type } from "@sinclair/typebox";
import { HealthConfig } from "./container-config.ts";
import { GraphDriver } from "./container-parts.ts";
import { Answer, endpoint, Filters, Int, Nullable, StringMap, Strings } from "./endpoint.ts";

const Empty = Type.Object({});

/** engine-api, ImageSummary. */
export const ImageSummary = Answer({
  Id: Type.String(),
  ParentId: Type.String(),
  RepoTags: Nullable(Strings),
  RepoDigests: Nullable(Strings),
  /** Seconds since the epoch. */
  Created: Int,
  Size: Int,
  /** -1 where it was not asked for. */
  SharedSize: Int,
  /** Before 1.44. */
  VirtualSize: Type.Optional(Int),
  Labels: Nullable(StringMap),
  /** -1 where it was not counted. */
  Containers: Int,
});
export type ImageSummary = Static<typeof ImageSummary>;

export const imageList = endpoint({
  method: "GET",
  path: "/images/json",
  query: Type.Partial(
    Type.Object({
      all: Type.Boolean(),
      filters: Filters,
      filter: Type.String(),
      "shared-size": Type.Boolean(),
      digests: Type.Boolean(),
      manifests: Type.Boolean(),
    }),
  ),
  responses: { 200: Type.Array(ImageSummary) },
});

/** engine-api, ImageConfig: the fields that an image sets, and some always. */
export const ImageConfigShown = Type.Object({
  User: Type.Optional(Type.String()),
  ExposedPorts: Type.Optional(Type.Record(Type.String(), Empty)),
  Env: Type.Optional(Nullable(Strings)),
  Cmd: Type.Optional(Nullable(Strings)),
  Healthcheck: Type.Optional(HealthConfig),
  ArgsEscaped: Type.Optional(Type.Boolean()),
  Volumes: Type.Optional(Nullable(Type.Record(Type.String(), Empty))),
  WorkingDir: Type.Optional(Type.String()),
  Entrypoint: Type.Optional(Nullable(Strings)),
  OnBuild: Type.Optional(Nullable(Strings)),
  Labels: Type.Optional(Nullable(StringMap)),
  StopSignal: Type.Optional(Type.String()),
  Shell: Type.Optional(Nullable(Strings)),
});
export type ImageConfigShown = Static<typeof ImageConfigShown>;

/** engine-api, ImageInspect. */
export const ImageInspect = Answer({
  Id: Type.String(),
  RepoTags: Strings,
  RepoDigests: Strings,
  Parent: Type.String(),
  Comment: Type.String(),
  Created: Type.Optional(Type.String()),
  /** Before 1.45. */
  Container: Type.Optional(Type.String()),
  ContainerConfig: Type.Optional(Nullable(Type.Object({}))),
  DockerVersion: Type.String(),
  Author: Type.String(),
  Config: Nullable(ImageConfigShown),
  Architecture: Type.String(),
  Variant: Type.Optional(Type.String()),
  Os: Type.String(),
  OsVersion: Type.Optional(Type.String()),
  Size: Int,
  /** Before 1.44. */
  VirtualSize: Type.Optional(Int),
  GraphDriver,
  RootFS: Answer({ Type: Type.String(), Layers: Type.Optional(Strings) }),
  Metadata: Answer({ LastTagTime: Type.Optional(Type.String()) }),
});
export type ImageInspect = Static<typeof ImageInspect>;

export const imageInspect = endpoint({
  method: "GET",
  path: "/images/{name}/json",
  query: Type.Partial(Type.Object({ manifests: Type.Boolean(), platform: Type.String() })),
  responses: { 200: ImageInspect },
});

/** One line of a pull, an import or a load (engine-api, CreateImageInfo). */
export const ProgressLine = Answer({
  id: Type.Optional(Type.String()),
  status: Type.Optional(Type.String()),
  stream: Type.Optional(Type.String()),
  progressDetail: Type.Optional(
    Answer({
      current: Type.Optional(Int),
      total: Type.Optional(Int),
    }),
  ),
  progress: Type.Optional(Type.String()),
  error: Type.Optional(Type.String()),
  errorDetail: Type.Optional(Answer({ code: Type.Optional(Int), message: Type.String() })),
  aux: Type.Optional(Type.Unknown()),
});
export type ProgressLine = Static<typeof ProgressLine>;

/** `fromImage` pulls, `fromSrc=-` imports the body. The client sends credentials in the header `X-Registry-Auth`. */
export const imageCreate = endpoint({
  method: "POST",
  path: "/images/create",
  kind: "lines",
  query: Type.Partial(
    Type.Object({
      fromImage: Type.String(),
      fromSrc: Type.String(),
      repo: Type.String(),
      tag: Type.String(),
      message: Type.String(),
      changes: Strings,
      platform: Type.String(),
    }),
  ),
  body: "raw",
  responses: { 200: ProgressLine },
});

export const HistoryItem = Answer({
  Id: Type.String(),
  Created: Int,
  CreatedBy: Type.String(),
  Tags: Nullable(Strings),
  Size: Int,
  Comment: Type.String(),
});
export type HistoryItem = Static<typeof HistoryItem>;

export const imageHistory = endpoint({
  method: "GET",
  path: "/images/{name}/history",
  query: Type.Partial(Type.Object({ platform: Type.String() })),
  responses: { 200: Type.Array(HistoryItem) },
});

export const imageTag = endpoint({
  method: "POST",
  path: "/images/{name}/tag",
  query: Type.Partial(Type.Object({ repo: Type.String(), tag: Type.String() })),
  responses: { 201: null },
});

export const DeletedImage = Answer({
  Untagged: Type.Optional(Type.String()),
  Deleted: Type.Optional(Type.String()),
});
export type DeletedImage = Static<typeof DeletedImage>;

export const imageRemove = endpoint({
  method: "DELETE",
  path: "/images/{name}",
  query: Type.Partial(Type.Object({ force: Type.Boolean(), noprune: Type.Boolean(), platforms: Strings })),
  responses: { 200: Type.Array(DeletedImage) },
  finishes: true,
});

export const imageLoad = endpoint({
  method: "POST",
  path: "/images/load",
  kind: "lines",
  query: Type.Partial(Type.Object({ quiet: Type.Boolean(), platform: Type.String() })),
  body: "raw",
  responses: { 200: ProgressLine },
});

export const imagePrune = endpoint({
  method: "POST",
  path: "/images/prune",
  since: "1.25",
  query: Type.Partial(Type.Object({ filters: Filters })),
  responses: { 200: Answer({ ImagesDeleted: Nullable(Type.Array(DeletedImage)), SpaceReclaimed: Int }) },
});

export const imageEndpoints = [
  imageList,
  imageInspect,
  imageCreate,
  imageHistory,
  imageTag,
  imageRemove,
  imageLoad,
  imagePrune,
] as const;
