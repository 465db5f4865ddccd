import { corrupt, invalid, isKind, notImplemented } from "../base/errors.ts";
import { shortId } from "../base/ids.ts";
import { Operation } from "../base/operation.ts";
import { chainIds } from "../oci/digest.ts";
import { type Descriptor, mediaTypes } from "../oci/image.ts";
import type { Platform } from "../oci/platform.ts";
import { canonicalString, type Reference } from "../oci/reference.ts";
import type { Lease } from "./collector.ts";
import type { PullOptions } from "./images.ts";
import { type Candidate, claim, type Installation } from "./installer.ts";
import { metadataLimit, parseConfig, parseIndex, parseManifest } from "./parse.ts";
import { chooseManifest, isIndexType } from "./platform-choice.ts";
import { fetchBlob } from "./remote/fetch-blob.ts";
import type { RemoteManifest, RemoteRepository } from "./remote/registry.ts";
import { unpackLayers } from "./unpack.ts";

export interface PullContext extends Installation {
  readonly repository: RemoteRepository;
  readonly lease: Lease;
  readonly reference: Reference;
}

type Report = NonNullable<PullOptions["onProgress"]>;

const configTypes = new Set<string>([mediaTypes.ociConfig, mediaTypes.dockerConfig, "application/octet-stream", ""]);
/** Least milliseconds between two reports of one layer's progress. */
const reportInterval = 100;

/** Follows an index to the platform's manifest and fetches the config; all of it is in the content store then. */
export async function fetchCandidate(
  op: Operation,
  context: PullContext,
  top: RemoteManifest,
  platform: Platform,
): Promise<Candidate> {
  const { content, lease, repository } = context;
  const topDescriptor = await keep(op, context, top);
  let manifestDescriptor = topDescriptor;
  let own = top;
  if (isIndexType(top.mediaType)) {
    const chosen = chooseManifest(parseIndex(top.bytes), platform);
    own = await repository.manifest(op, chosen.digest);
    if (own.bytes.length !== chosen.size) throw corrupt(`manifest verification failed for digest ${chosen.digest}`);
    manifestDescriptor = await keep(op, context, own);
  }
  refuseForeignManifest(own, context.reference);
  const manifest = parseManifest(own.bytes);
  const { config: configDescriptor, layers } = manifest;
  if (!configTypes.has(configDescriptor.mediaType))
    throw invalid(`unsupported media type ${configDescriptor.mediaType}`);
  for (const layer of layers) refuseForeignLayer(layer);
  if (configDescriptor.size > metadataLimit) throw corrupt(`the image's config is larger than ${metadataLimit} bytes`);
  await lease.blob(configDescriptor.digest);
  await fetchConfig(op, context, configDescriptor);
  const config = parseConfig(
    await content.read(configDescriptor.digest, metadataLimit),
    layers.length,
    () => "layers from manifest don't match image configuration",
  );
  const candidate: Candidate = {
    id: configDescriptor.digest,
    config,
    manifest: manifestDescriptor,
    layers,
    ...(own === top ? {} : { index: topDescriptor }),
  };
  await claim(lease, candidate);
  return candidate;
}

async function fetchConfig(op: Operation, { repository, content }: PullContext, config: Descriptor): Promise<void> {
  try {
    await fetchBlob(op, repository, content, config);
  } catch (error) {
    if (!isKind(error, "corrupt") || !/verification failed/.test(error.message)) throw error;
    throw corrupt(`error pulling image configuration: image config verification failed for digest ${config.digest}`, {
      cause: error,
      id: config.digest,
    });
  }
}

/** Fetches the layers side by side, and unpacks each as soon as it is here and the one beneath is unpacked. */
export async function fetchLayers(
  op: Operation,
  context: PullContext,
  candidate: Candidate,
  report: Report,
): Promise<void> {
  const { content, snapshots, records, repository } = context;
  const chains = chainIds(candidate.config.rootfs.diff_ids);
  const isHere = chains.map((chainId) => snapshots.layer(chainId) !== undefined);
  const ids = candidate.layers.map(({ digest }) => shortId(digest));
  const isKnown = records.image(candidate.id) !== undefined && isHere.every(Boolean);
  if (!isKnown)
    for (const [i, id] of ids.entries()) report({ status: isHere[i] ? "Already exists" : "Pulling fs layer", id });
  const stop = new AbortController();
  const own = new Operation(op.name, AbortSignal.any([op.signal, stop.signal]));
  const slots = new Slots(repository.limits.parallel);
  const downloads = candidate.layers.map((layer, i) =>
    isHere[i]
      ? Promise.resolve()
      : slots.run(
          () => download(own, context, layer, ids[i]!, report),
          () => {
            report({ status: "Waiting", id: ids[i]! });
          },
        ),
  );
  for (const download of downloads) download.catch(() => stop.abort());
  try {
    const paced = ids.map(() => pace());
    await unpackLayers(op, { content, snapshots }, candidate, {
      before: (i) => downloads[i]!,
      onProgress: (i, current) => {
        const total = candidate.layers[i]!.size;
        if (!isHere[i] && paced[i]!())
          report({ status: "Extracting", id: ids[i]!, current: Math.min(current, total), total });
      },
      after: (i) => {
        if (!isHere[i]) report({ status: "Pull complete", id: ids[i]! });
      },
    });
  } catch (error) {
    stop.abort();
    const settled = await Promise.allSettled(downloads);
    throw firstCause(error, settled);
  }
}

/** The failure that made the others stop: a download that was called off is not it. */
function firstCause(error: unknown, settled: ReadonlyArray<PromiseSettledResult<void>>): unknown {
  if (!isCancelled(error)) return error;
  const real = settled.find((result) => result.status === "rejected" && !isCancelled(result.reason));
  return real === undefined ? error : (real as PromiseRejectedResult).reason;
}

function isCancelled(error: unknown): boolean {
  return (error as { kind?: unknown } | null)?.kind === "cancelled";
}

async function download(
  op: Operation,
  { repository, content }: PullContext,
  layer: Descriptor,
  id: string,
  report: Report,
): Promise<void> {
  const due = pace();
  await fetchBlob(op, repository, content, layer, {
    onBytes: (current) => {
      if (due() || current === layer.size) report({ status: "Downloading", id, current, total: layer.size });
      if (current === layer.size) report({ status: "Verifying Checksum", id });
    },
    onRetry: (wait) => report({ status: `Retrying in ${Math.ceil(wait / 1000)} seconds`, id }),
  });
  report({ status: "Download complete", id });
}

async function keep(op: Operation, { content, lease }: PullContext, manifest: RemoteManifest): Promise<Descriptor> {
  const { mediaType, digest, bytes } = manifest;
  await lease.blob(digest);
  const { size } = await content.put(op, bytes, { digest });
  return { mediaType, digest, size };
}

function refuseForeignManifest({ mediaType }: RemoteManifest, reference: Reference): void {
  if (mediaType === mediaTypes.ociManifest || mediaType === mediaTypes.dockerManifest) return;
  if (mediaType.startsWith("application/vnd.docker.distribution.manifest.v1+"))
    throw notImplemented(
      "Docker Image Format v1 and Docker Image manifest version 2, schema 1 support has been removed. Suggest the " +
        `author of ${canonicalString(reference)} to upgrade the image to the OCI Format or Docker Image manifest v2, schema 2.`,
    );
  throw invalid(`unsupported manifest media type: ${mediaType}`);
}

function refuseForeignLayer({ mediaType, digest }: Descriptor): void {
  if (/foreign|nondistributable/.test(mediaType))
    throw notImplemented(
      `layer ${digest} is of the type ${mediaType}: layers that lie outside the registry are not fetched`,
    );
}

/** True at most once in an interval. */
function pace(): () => boolean {
  let last = Number.NEGATIVE_INFINITY;
  return () => {
    const now = performance.now();
    if (now - last < reportInterval) return false;
    last = now;
    return true;
  };
}

/** Runs at most so many tasks at once; those that have to wait are told. */
class Slots {
  #free: number;
  readonly #waiting: Array<() => void> = [];

  constructor(count: number) {
    this.#free = count;
  }

  async run<T>(task: () => Promise<T>, onWait: () => void): Promise<T> {
    if (this.#free > 0) this.#free--;
    else {
      onWait();
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
    try {
      return await task();
    } finally {
      const next = this.#waiting.shift();
      if (next) next();
      else this.#free++;
    }
  }
}
