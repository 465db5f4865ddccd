import { type ContainerSummary, containerListing, containerRow } from "./containers.ts";
import { humanSize } from "./human.ts";
import { type ImageSummary, imageListing, imageRows } from "./images.ts";
import { type Listing, type Row, renderList } from "./listing.ts";
import { type VolumeSummary, volumeListing, volumeRow } from "./others.ts";

/** What `GET /system/df` says. */
export interface DiskUsage {
  readonly LayersSize?: number;
  readonly Images?: readonly ImageSummary[] | null;
  readonly Containers?: readonly ContainerSummary[] | null;
  readonly Volumes?: readonly VolumeSummary[] | null;
  readonly BuildCache?: readonly CacheRecord[] | null;
}

interface CacheRecord {
  readonly ID?: string;
  readonly Type?: string;
  readonly Size?: number;
  readonly InUse?: boolean;
  readonly Shared?: boolean;
}

/** `system df`'s table. */
export const diskListing: Listing = {
  type: "*formatter.diskUsageContext",
  table: "{{.Type}}\t{{.TotalCount}}\t{{.Active}}\t{{.Size}}\t{{.Reclaimable}}",
  quiet: "Type",
  headings: { Type: "TYPE", TotalCount: "TOTAL", Active: "ACTIVE", Size: "SIZE", Reclaimable: "RECLAIMABLE" },
};

/** A line a kind of object. */
export function diskRows(usage: DiskUsage): Row[] {
  return [imagesRow(usage), containersRow(usage), volumesRow(usage), cacheRow(usage)];
}

function row(Type: string, total: number, active: number, size: number, reclaimable: string): Row {
  return { Active: String(active), Reclaimable: reclaimable, Size: humanSize(size), TotalCount: String(total), Type };
}

/** `1.2MB (34%)`; without a share where there is nothing to share. */
function share(part: number, whole: number): string {
  return whole > 0 ? `${humanSize(part)} (${Math.trunc((part * 100) / whole)}%)` : humanSize(part);
}

function imagesRow({ Images, LayersSize = 0 }: DiskUsage): Row {
  const images = Images ?? [];
  const used = images.filter((image) => (image.Containers ?? 0) > 0);
  const kept = images
    .filter((image) => image.Containers !== 0 && image.SharedSize !== -1 && image.Size !== -1)
    .reduce((sum, image) => sum + image.Size - (image.SharedSize ?? 0), 0);
  return row("Images", images.length, used.length, LayersSize, share(LayersSize - kept, LayersSize));
}

function containersRow({ Containers }: DiskUsage): Row {
  const all = Containers ?? [];
  const isActive = (own: ContainerSummary): boolean => /running|paused|restarting/.test(own.State);
  const size = (some: readonly ContainerSummary[]): number => some.reduce((sum, own) => sum + (own.SizeRw ?? 0), 0);
  const idle = all.filter((own) => !isActive(own));
  return row("Containers", all.length, all.length - idle.length, size(all), share(size(idle), size(all)));
}

function volumesRow({ Volumes }: DiskUsage): Row {
  const all = Volumes ?? [];
  const size = (some: readonly VolumeSummary[]): number =>
    some.reduce((sum, own) => sum + Math.max(0, own.UsageData?.Size ?? 0), 0);
  const idle = all.filter((own) => (own.UsageData?.RefCount ?? 0) === 0);
  const active = all.filter((own) => (own.UsageData?.RefCount ?? 0) > 0);
  return row("Local Volumes", all.length, active.length, size(all), share(size(idle), size(all)));
}

function cacheRow({ BuildCache }: DiskUsage): Row {
  const all = BuildCache ?? [];
  const size = (some: readonly CacheRecord[]): number =>
    some.filter((own) => !own.Shared).reduce((sum, own) => sum + (own.Size ?? 0), 0);
  const used = all.filter((own) => own.InUse);
  const free = all.filter((own) => !own.InUse);
  return row("Build Cache", all.length, used.length, size(all), humanSize(size(free)));
}

const verboseImages: Listing = {
  ...imageListing(false),
  table:
    "{{.Repository}}\t{{.Tag}}\t{{.ID}}\t{{.CreatedSince}}\t{{.Size}}\t{{.SharedSize}}\t{{.UniqueSize}}\t{{.Containers}}",
};
const verboseContainers: Listing = {
  ...containerListing(false),
  table: "{{.ID}}\t{{.Image}}\t{{.Command}}\t{{.LocalVolumes}}\t{{.Size}}\t{{.RunningFor}}\t{{.Status}}\t{{.Names}}",
};
const verboseVolumes: Listing = { ...volumeListing, table: "{{.Name}}\t{{.Links}}\t{{.Size}}" };
const cacheListing: Listing = {
  type: "*formatter.buildCacheContext",
  table: "{{.ID}}\t{{.CacheType}}\t{{.Size}}\t{{.CreatedSince}}\t{{.LastUsedSince}}\t{{.UsageCount}}\t{{.Shared}}",
  quiet: "ID",
  headings: {
    ID: "CACHE ID",
    CacheType: "CACHE TYPE",
    Size: "SIZE",
    CreatedSince: "CREATED",
    LastUsedSince: "LAST USED",
    UsageCount: "USAGE",
    Shared: "SHARED",
  },
};

/** An image is one line here, under its first tag. */
function firstTag(own: ImageSummary): ImageSummary {
  return { ...own, RepoTags: (own.RepoTags ?? []).slice(0, 1), RepoDigests: [] };
}

/** `system df -v`: a table a kind of object. */
export function verboseDisk(usage: DiskUsage): string {
  const table = (listing: Listing, rows: Row[]): string => renderList(listing, rows, { format: "" });
  // A container's size is its own here, without its image's.
  const containers = (usage.Containers ?? []).map((own) => containerRow({ ...own, SizeRootFs: 0 }, true));
  const volumes = [...(usage.Volumes ?? [])].map((own) => volumeRow(own));
  return [
    `Images space usage:\n\n${table(
      verboseImages,
      (usage.Images ?? []).flatMap((own) => imageRows(firstTag(own), true, { beside: false, alone: false })),
    )}`,
    `Containers space usage:\n\n${table(verboseContainers, containers)}`,
    `Local Volumes space usage:\n\n${table(verboseVolumes, volumes)}`,
    `Build cache usage: ${cacheRow(usage)["Size"]}\n\n${table(cacheListing, [])}`,
  ].join("\n");
}
