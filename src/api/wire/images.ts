import type { DeletedImage, HistoryItem, ImageInspect, ImageSummary } from "../../client/endpoints/images.ts";
import type { Image, ImageHistory, Removed } from "../../images/images.ts";
import type { GraphDriverData } from "../system.ts";
import { atLeast } from "../versions.ts";

/** An image as `docker images` lists it. */
export function imageSummary(
  image: Image,
  counts: { readonly containers?: number; readonly shared?: number },
  version: string,
): ImageSummary {
  const nameless = image.tags.length === 0 && image.digests.length === 0 && !atLeast(version, "1.43");
  return {
    Containers: counts.containers ?? -1,
    Created: secondsOf(image.config.created),
    Id: image.id,
    Labels: image.config.config?.Labels ?? null,
    ParentId: "",
    RepoDigests: nameless ? ["<none>@<none>"] : [...image.digests],
    RepoTags: nameless ? ["<none>:<none>"] : [...image.tags],
    SharedSize: counts.shared ?? -1,
    Size: image.size,
    VirtualSize: image.size,
  };
}

/** An image as inspect shows it. */
export function imageInspect(image: Image, graph: GraphDriverData): ImageInspect {
  const { config } = image;
  return {
    Id: image.id,
    RepoTags: [...image.tags],
    RepoDigests: [...image.digests],
    Parent: "",
    Comment: config.history?.at(-1)?.comment ?? "",
    ...(config.created !== undefined && { Created: config.created }),
    Container: "",
    ContainerConfig: {},
    DockerVersion: config.docker_version ?? "",
    Author: config.author ?? "",
    Config: configToWire(image),
    Architecture: config.architecture,
    ...(config.variant && { Variant: config.variant }),
    Os: config.os,
    ...(config["os.version"] && { OsVersion: config["os.version"] }),
    Size: image.size,
    VirtualSize: image.size,
    GraphDriver: { Data: { ...graph.data }, Name: graph.name },
    RootFS: {
      Type: "layers",
      ...(config.rootfs.diff_ids.length > 0 && { Layers: [...config.rootfs.diff_ids] }),
    },
    Metadata: { LastTagTime: new Date(image.lastTagged / 1_000_000).toISOString() },
  };
}

/** The image's own configuration, with the fields that Docker always shows. */
function configToWire(image: Image): ImageInspect["Config"] {
  const given = image.config.config ?? {};
  const shown = {
    Cmd: null,
    Entrypoint: null,
    Env: null,
    Labels: null,
    OnBuild: null,
    User: "",
    Volumes: null,
    WorkingDir: "",
    ...given,
  };
  return structuredClone(shown) as ImageInspect["Config"];
}

/** One step of an image's history. */
export function historyItem(entry: ImageHistory): HistoryItem {
  return {
    Comment: entry.comment ?? "",
    Created: secondsOf(entry.created),
    CreatedBy: entry.created_by ?? "",
    Id: entry.id ?? "<missing>",
    Size: entry.size,
    Tags: entry.tags.length > 0 ? [...entry.tags] : null,
  };
}

export function removedToWire(removed: Removed): DeletedImage {
  return "untagged" in removed ? { Untagged: removed.untagged } : { Deleted: removed.deleted };
}

function secondsOf(time: string | undefined): number {
  const parsed = Date.parse(time ?? "");
  // Docker shows Go's zero time, year 1, for an image that does not say.
  return Number.isNaN(parsed) ? -62135596800 : Math.floor(parsed / 1000);
}
