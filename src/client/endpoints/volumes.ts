import { type Static, Type } from "@sinclair/typebox";
import { Answer, endpoint, Filters, Int, Nullable, StringMap, Strings } from "./endpoint.ts";

/** engine-api, Volume. */
export const VolumeInspect = Answer({
  Name: Type.String(),
  Driver: Type.String(),
  Mountpoint: Type.String(),
  CreatedAt: Type.String(),
  Status: Type.Optional(Type.Record(Type.String(), Type.Unknown())),
  Labels: Nullable(StringMap),
  Scope: Type.String(),
  Options: Nullable(StringMap),
  UsageData: Type.Optional(Answer({ Size: Int, RefCount: Int })),
});
export type VolumeInspect = Static<typeof VolumeInspect>;

export const volumeList = endpoint({
  method: "GET",
  path: "/volumes",
  query: Type.Partial(Type.Object({ filters: Filters })),
  responses: { 200: Answer({ Volumes: Type.Array(VolumeInspect), Warnings: Nullable(Strings) }) },
});

export const volumeCreate = endpoint({
  method: "POST",
  path: "/volumes/create",
  body: Type.Partial(
    Type.Object({
      Name: Type.String(),
      Driver: Type.String(),
      DriverOpts: StringMap,
      Labels: StringMap,
      ClusterVolumeSpec: Type.Object({}),
    }),
  ),
  responses: { 201: VolumeInspect },
});

export const volumeInspect = endpoint({ method: "GET", path: "/volumes/{name}", responses: { 200: VolumeInspect } });

export const volumeRemove = endpoint({
  method: "DELETE",
  path: "/volumes/{name}",
  query: Type.Partial(Type.Object({ force: Type.Boolean() })),
  responses: { 204: null },
  finishes: true,
});

export const volumePrune = endpoint({
  method: "POST",
  path: "/volumes/prune",
  since: "1.25",
  query: Type.Partial(Type.Object({ filters: Filters })),
  responses: { 200: Answer({ VolumesDeleted: Nullable(Strings), SpaceReclaimed: Int }) },
});

export const volumeEndpoints = [volumeList, volumeCreate, volumeInspect, volumeRemove, volumePrune] as const;
