import { corrupt, invalid, notFound } from "../../base/errors.ts";
import type { Operation } from "../../base/operation.ts";
import type { ContentStore } from "../../content/content.ts";
import { type Digest, isDigest } from "../../oci/digest.ts";
import { type Descriptor, type Index, type Manifest, mediaTypes } from "../../oci/image.ts";
import { formatPlatform, matchesPlatform, type Platform } from "../../oci/platform.ts";
import { parseReference, type Reference, withDefaultTag } from "../../oci/reference.ts";
import type { Lease } from "../collector.ts";
import type { Candidate } from "../installer.ts";
import { metadataLimit, parseConfig, parseIndex, parseJson, parseManifest } from "../parse.ts";
import { chooseManifest, isIndexType } from "../platform-choice.ts";
import type { Compression } from "./decompress.ts";
import type { ArchiveFile, ArchiveFiles } from "./files.ts";

/** An image that an archive holds, with the names that the archive gives it. */
export interface PlannedImage {
  readonly candidate: Candidate;
  readonly names: readonly Reference[];
}

/** What is needed to turn an archive's files into blobs. */
export interface PlanContext {
  readonly op: Operation;
  readonly content: ContentStore;
  readonly lease: Lease;
  readonly files: ArchiveFiles;
  readonly platform: Platform;
  /** The user asked for that platform: an image of another one is an error, not a foreign image. */
  readonly platformAsked: boolean;
}

/** One image of `manifest.json` (docker-archive, as Docker has written it since 1.10). */
interface ArchiveEntry {
  readonly Config: string;
  readonly RepoTags?: readonly string[] | null;
  readonly Layers?: readonly string[] | null;
}

/**
 * The images of an archive, in its order: by `manifest.json` where there is one (Docker 25 and later write an OCI
 * layout beside it, whose own manifest is then kept), else by the OCI layout's `index.json`.
 */
export async function planArchive(context: PlanContext): Promise<PlannedImage[]> {
  const dockerManifest = await readSmall(context, "manifest.json");
  const index = await readSmall(context, "index.json");
  if (dockerManifest !== undefined) return planDocker(context, dockerManifest, index);
  if (index !== undefined) return planLayout(context, parseIndex(index));
  if (context.files.get("repositories"))
    throw invalid("this archive is in the format of Docker before 1.10, which is not supported: save it again");
  throw corrupt("invalid archive: it has neither manifest.json (docker-archive) nor index.json (OCI layout)");
}

async function planDocker(context: PlanContext, manifest: Buffer, index: Buffer | undefined): Promise<PlannedImage[]> {
  const entries = parseJson<ArchiveEntry[]>(manifest, "manifest.json");
  if (!Array.isArray(entries) || !entries.every(isArchiveEntry))
    throw corrupt("invalid manifest.json: not a list of images with Config and Layers");
  const own = index === undefined ? new Map<Digest, Descriptor>() : await manifestsByConfig(context, index);
  const planned: PlannedImage[] = [];
  for (const entry of entries) {
    const names = (entry.RepoTags ?? []).map((tag) => withDefaultTag(parseReference(tag)));
    const candidate = await candidateOf(context, entry, own);
    if (matchesPlatform(context.platform, candidate.config) || !context.platformAsked)
      planned.push({ candidate, names });
  }
  if (planned.length === 0 && entries.length > 0)
    throw notFound(`no image of the archive is for the platform ${formatPlatform(context.platform)}`);
  return planned;
}

async function candidateOf(
  context: PlanContext,
  entry: ArchiveEntry,
  own: ReadonlyMap<Digest, Descriptor>,
): Promise<Candidate> {
  const configBlob = await toBlob(context, entry.Config);
  const configBytes = await context.content.read(configBlob.digest, metadataLimit);
  const paths = entry.Layers ?? [];
  const config = parseConfig(configBytes, paths.length);
  const known = own.get(configBlob.digest);
  if (known !== undefined) {
    const layers = await claimLayers(context, parseManifest(await context.content.read(known.digest, metadataLimit)));
    return { id: configBlob.digest, config, manifest: known, layers };
  }
  const layers: Descriptor[] = [];
  for (const [position, path] of paths.entries()) {
    const { compression, ...blob } = await toBlob(context, path);
    const diffId = config.rootfs.diff_ids[position]!;
    if (compression === "none" && blob.digest !== diffId)
      throw corrupt(`invalid diffID for layer ${position}: expected "${diffId}", got "${blob.digest}"`);
    layers.push({ mediaType: layerType(compression), ...blob });
  }
  const manifest = await putManifest(context, { ...configBlob, mediaType: mediaTypes.ociConfig }, layers);
  return { id: configBlob.digest, config, manifest, layers };
}

async function planLayout(context: PlanContext, index: Index): Promise<PlannedImage[]> {
  const planned = new Map<Digest, { candidate: Candidate; names: Reference[] }>();
  for (const descriptor of index.manifests) {
    if (isAttestation(descriptor)) continue;
    const [chosen, list] = await resolveIndex(context, descriptor);
    const manifest = parseManifest(await readBlob(context, chosen.digest));
    const config = parseConfig(await readBlob(context, manifest.config.digest), manifest.layers.length);
    const layers = await claimLayers(context, manifest);
    const { mediaType, digest, size } = chosen;
    const candidate = {
      id: manifest.config.digest,
      config,
      manifest: { mediaType, digest, size },
      layers,
      ...(list === undefined ? {} : { index: list }),
    };
    const entry = planned.get(candidate.id) ?? { candidate, names: [] as Reference[] };
    entry.names.push(...nameOf(descriptor));
    planned.set(candidate.id, entry);
  }
  if (planned.size === 0) throw corrupt("invalid archive: its index.json lists no image");
  return [...planned.values()];
}

/** Follows an index to the manifest of the wanted platform. */
async function resolveIndex(context: PlanContext, descriptor: Descriptor): Promise<[Descriptor, Descriptor?]> {
  if (!isIndexType(descriptor.mediaType)) return [descriptor];
  const { mediaType, digest, size } = descriptor;
  const index = parseIndex(await readBlob(context, digest));
  return [chooseManifest(index, context.platform), { mediaType, digest, size }];
}

/** The archive's own manifests by the digest of their config, looking into nested indexes. */
async function manifestsByConfig(context: PlanContext, bytes: Buffer): Promise<Map<Digest, Descriptor>> {
  const found = new Map<Digest, Descriptor>();
  const visit = async (index: Index, depth: number): Promise<void> => {
    for (const { mediaType, digest, size } of index.manifests) {
      const blob = await tryBlob(context, `blobs/sha256/${digest.slice("sha256:".length)}`);
      if (blob === undefined) continue;
      const content = await context.content.read(blob.digest, metadataLimit);
      if (isIndexType(mediaType)) {
        if (depth < 2) await visit(parseIndex(content), depth + 1);
        continue;
      }
      const manifest = parseManifest(content);
      const present = manifest.layers.every((layer) => context.files.get(`blobs/sha256/${layer.digest.slice(7)}`));
      if (present) found.set(manifest.config.digest, { mediaType, digest, size });
    }
  };
  await visit(parseIndex(bytes), 0);
  return found;
}

async function claimLayers(context: PlanContext, manifest: Manifest): Promise<readonly Descriptor[]> {
  for (const { digest } of manifest.layers) await toBlob(context, `blobs/sha256/${digest.slice("sha256:".length)}`);
  return manifest.layers;
}

async function readBlob(context: PlanContext, digest: Digest): Promise<Buffer> {
  const blob = await toBlob(context, `blobs/sha256/${digest.slice("sha256:".length)}`);
  return context.content.read(blob.digest, metadataLimit);
}

/** The blob of a file that must be there; a file that was kept in memory becomes one now. */
async function toBlob(context: PlanContext, name: string) {
  const blob = await tryBlob(context, name);
  if (blob === undefined) throw corrupt(`invalid archive: ${name} is missing`);
  return blob;
}

async function tryBlob({ op, content, lease, files }: PlanContext, name: string) {
  const file: ArchiveFile | undefined = files.get(name);
  if (file === undefined) return undefined;
  if ("digest" in file) {
    await lease.blob(file.digest);
    return file;
  }
  const hex = /^blobs\/sha256\/([0-9a-f]{64})$/.exec(name)?.[1];
  const expected = hex !== undefined && isDigest(`sha256:${hex}`) ? { digest: `sha256:${hex}` as Digest } : {};
  await lease.everyBlob();
  const blob = await content.put(op, file.bytes, expected);
  await lease.blob(blob.digest);
  return { ...blob, compression: file.compression };
}

async function readSmall(context: PlanContext, name: string): Promise<Buffer | undefined> {
  const file = context.files.get(name);
  if (file === undefined) return undefined;
  return "bytes" in file ? file.bytes : context.content.read(file.digest, metadataLimit);
}

async function putManifest({ op, content, lease }: PlanContext, config: Descriptor, layers: readonly Descriptor[]) {
  const { mediaType, digest, size } = config;
  const manifest: Manifest = {
    schemaVersion: 2,
    mediaType: mediaTypes.ociManifest,
    config: { mediaType, digest, size },
    layers,
  };
  const blob = await content.put(op, Buffer.from(JSON.stringify(manifest)));
  await lease.blob(blob.digest);
  return { mediaType: mediaTypes.ociManifest, ...blob };
}

function layerType(compression: Compression): string {
  if (compression === "gzip") return mediaTypes.ociLayerGzip;
  return compression === "zstd" ? mediaTypes.ociLayerZstd : mediaTypes.ociLayer;
}

/** BuildKit's provenance and the like, which lie in an index beside the image that they are about. */
function isAttestation(descriptor: Descriptor): boolean {
  return descriptor.annotations?.["vnd.docker.reference.type"] === "attestation-manifest";
}

/** containerd's annotation holds the whole name; the standard one may hold a whole name or a bare tag, which is none. */
function nameOf({ annotations = {} }: Descriptor): Reference[] {
  const text = annotations["io.containerd.image.name"] ?? annotations["org.opencontainers.image.ref.name"] ?? "";
  return /[:/@]/.test(text) ? [withDefaultTag(parseReference(text))] : [];
}

function isArchiveEntry(entry: ArchiveEntry): boolean {
  const areStrings = (list: unknown): boolean =>
    list === undefined || list === null || (Array.isArray(list) && list.every((item) => typeof item === "string"));
  return typeof entry?.Config === "string" && areStrings(entry.RepoTags) && areStrings(entry.Layers);
}
