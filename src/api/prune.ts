import { isKind } from "../base/errors.ts";
import type { Operation } from "../base/operation.ts";
import { nowNano, parseNano } from "../base/time.ts";
import type { Container, Containers } from "../containers/containers.ts";
import type { Image, Images, Removed } from "../images/images.ts";
import type { Network, Networks } from "../networks/networks.ts";
import type { Volumes } from "../volumes/volumes.ts";
import { booleanFilter, checkFilters, type FilterMap, hasUnwantedLabel, matchesLabels } from "./decode/filters.ts";
import { parseTimeOrDuration } from "./decode/time.ts";
import { imageFilter } from "./filters/images.ts";
import { isPredefined } from "./filters/networks.ts";
import type { SystemInfo } from "./system.ts";
import { atLeast } from "./versions.ts";

/** What was removed, by ID or name, and how many bytes that gave back. */
export interface Pruned<T = string> {
  readonly removed: T[];
  readonly bytes: number;
}

const common = ["label", "label!", "until"];

interface Candidate {
  readonly labels: Readonly<Record<string, string>> | null | undefined;
  /** RFC 3339. */
  readonly created: string;
}

function candidateTest(filters: FilterMap): (candidate: Candidate) => boolean {
  const now = nowNano();
  const until = (filters["until"] ?? []).map((text) => parseTimeOrDuration(text, now));
  return ({ labels, created }) =>
    matchesLabels(filters["label"], labels) &&
    !hasUnwantedLabel(filters["label!"], labels) &&
    until.every((time) => (parseNano(created) ?? 0n) < time);
}

/** Removes one after another; what came into use meanwhile, or has gone, is left out. */
async function removeEach<T, R>(
  op: Operation,
  candidates: readonly T[],
  remove: (candidate: T) => Promise<R>,
): Promise<R[]> {
  const removed: R[] = [];
  for (const candidate of candidates) {
    op.check();
    try {
      removed.push(await remove(candidate));
    } catch (error) {
      if (!isKind(error, "conflict") && !isKind(error, "notFound") && !isKind(error, "forbidden")) throw error;
    }
  }
  return removed;
}

/** Removes every container that does not run. */
export async function pruneContainers(op: Operation, containers: Containers, filters: FilterMap): Promise<Pruned> {
  checkFilters(filters, common);
  const test = candidateTest(filters);
  const idle = ({ state }: Container): boolean => ["created", "exited", "dead"].includes(state.status);
  const candidates = containers
    .list({ all: true })
    .filter((container) => idle(container) && test({ labels: container.config.Labels, created: container.created }));
  const removed = await removeEach(op, candidates, async ({ id }) => {
    const { rw } = await containers.size(op, id);
    await containers.remove(op, id);
    return { id, rw };
  });
  return { removed: removed.map(({ id }) => id), bytes: removed.reduce((sum, { rw }) => sum + rw, 0) };
}

/** Removes every image without a name that no container uses; with `dangling=false`, those with a name too. */
export async function pruneImages(
  op: Operation,
  images: Images,
  containers: Containers,
  filters: FilterMap,
): Promise<Pruned<Removed>> {
  checkFilters(filters, [...common, "dangling"]);
  const danglingOnly = booleanFilter(filters, "dangling") ?? true;
  const { dangling: _, ...rest } = filters;
  const test = imageFilter(rest, images);
  const used = new Set(containers.list({ all: true }).map(({ image }) => image));
  const candidates = images
    .list()
    .filter((image) => !used.has(image.id) && (!danglingOnly || image.tags.length === 0) && test(image));
  const removed = await removeEach(op, candidates, async (image) => ({
    image,
    parts: await removeImage(op, images, image),
  }));
  return {
    removed: removed.flatMap(({ parts }) => parts),
    bytes: removed.reduce(
      (sum, { image, parts }) => sum + (parts.some((part) => "deleted" in part) ? image.size : 0),
      0,
    ),
  };
}

/** An image with several names goes only with the last of them. */
async function removeImage(op: Operation, images: Images, image: Image): Promise<Removed[]> {
  const names = image.tags.length > 1 ? image.tags : [image.id];
  const parts: Removed[] = [];
  for (const name of names) parts.push(...(await images.remove(op, name, {})));
  return parts;
}

/** Removes every unused anonymous volume; with `all=1`, and for clients before 1.42, named ones too. */
export async function pruneVolumes(
  op: Operation,
  volumes: Volumes,
  used: ReadonlyMap<string, number>,
  system: SystemInfo,
  filters: FilterMap,
  version: string,
): Promise<Pruned> {
  checkFilters(filters, ["label", "label!", "all"]);
  const all = booleanFilter(filters, "all") ?? !atLeast(version, "1.42");
  const test = candidateTest(filters);
  const candidates = volumes
    .list()
    .filter((volume) => !used.has(volume.name) && (all || volume.anonymous))
    .filter(({ labels, createdAt }) => test({ labels, created: createdAt }));
  const removed = await removeEach(op, candidates, async ({ name }) => {
    const size = await system.volumeSize(op, name);
    await volumes.remove(op, name);
    return { name, size: Math.max(0, size) };
  });
  return { removed: removed.map(({ name }) => name), bytes: removed.reduce((sum, { size }) => sum + size, 0) };
}

/** Removes every network of the user's that no container is on. */
export async function pruneNetworks(
  op: Operation,
  networks: Networks,
  inUse: (network: Network) => boolean,
  filters: FilterMap,
): Promise<string[]> {
  checkFilters(filters, common);
  const test = candidateTest(filters);
  const candidates = networks.list().filter((network) => !isPredefined(network) && !inUse(network) && test(network));
  return removeEach(op, candidates, async ({ id, name }) => {
    await networks.remove(op, id);
    return name;
  });
}
