import { createHash } from "node:crypto";
import { Readable } from "node:stream";
import { invalid } from "../base/errors.ts";
import type { Operation } from "../base/operation.ts";
import { formatNano, nowNano } from "../base/time.ts";
import type { Blob, ContentStore } from "../content/content.ts";
import type { Digest } from "../oci/digest.ts";
import { type ImageConfig, type Manifest, mediaTypes } from "../oci/image.ts";
import { hostPlatform } from "../oci/platform.ts";
import { familiarString, parseReference, type Reference, withDefaultTag } from "../oci/reference.ts";
import { borrowed } from "./archive/borrowed.ts";
import { decompress, hashedUncompressed, sniff } from "./archive/decompress.ts";
import { applyChanges } from "./changes/apply.ts";
import type { Collector, Lease } from "./collector.ts";
import type { Image, ImportOptions } from "./images.ts";
import { type Candidate, claim, emitImageEvent, type Installation, install } from "./installer.ts";
import { unpackLayers } from "./unpack.ts";

type Parts = Installation & { readonly collector: Collector };

/** Makes an image of one layer. The archive is stored as it came, and read only once. */
export async function importImage(
  op: Operation,
  parts: Parts,
  archive: Readable,
  request: ImportOptions,
): Promise<Image> {
  const name = importName(request.reference);
  const run = applyChanges({}, request.changes ?? []);
  return parts.collector.hold(async (lease) => {
    await lease.everyBlob();
    const layer = await takeLayer(op, parts.content, borrowed(archive));
    await lease.blob(layer.blob.digest);
    const created = request.created ?? formatNano(nowNano());
    const comment = request.message || "Imported from -";
    const { os, architecture, variant } = request.platform ?? hostPlatform();
    const config: ImageConfig = {
      created,
      architecture,
      os,
      ...(variant === undefined ? {} : { variant }),
      config: run,
      rootfs: { type: "layers", diff_ids: [layer.diffId] },
      history: [{ created, comment }],
    };
    const candidate = await store(op, parts.content, lease, config, layer);
    await claim(lease, candidate);
    await unpackLayers(op, parts, candidate);
    op.check();
    const { images } = await install(parts, [{ candidate, names: name === undefined ? [] : [name] }]);
    if (name !== undefined) emitImageEvent(parts, "tag", candidate.id, familiarString(name));
    emitImageEvent(parts, "import", candidate.id, candidate.id);
    return images[0]!;
  });
}

function importName(text: string | undefined): Reference | undefined {
  if (text === undefined || text === "") return undefined;
  const name = withDefaultTag(parseReference(text));
  if (name.digest !== undefined) throw invalid("cannot import digest reference");
  return name;
}

interface TakenLayer {
  readonly blob: Blob;
  readonly diffId: Digest;
  readonly mediaType: string;
}

/** Stores the archive and hashes what it unpacks to, in one pass. */
async function takeLayer(op: Operation, content: ContentStore, archive: Readable): Promise<TakenLayer> {
  const compression = await sniff(archive);
  if (compression !== "gzip" && compression !== "zstd") {
    const blob = await content.ingest(op, decompress(archive, compression));
    return { blob, diffId: blob.digest, mediaType: mediaTypes.ociLayer };
  }
  const hash = createHash("sha256");
  const noted = hashedUncompressed(archive, compression, hash);
  const blob = await content.ingest(op, Readable.from(noted, { objectMode: false }));
  return { blob, diffId: `sha256:${hash.digest("hex")}`, mediaType: layerTypes[compression] };
}

const layerTypes = { gzip: mediaTypes.ociLayerGzip, zstd: mediaTypes.ociLayerZstd } as const;

async function store(
  op: Operation,
  content: ContentStore,
  lease: Lease,
  config: ImageConfig,
  layer: TakenLayer,
): Promise<Candidate> {
  const stored = await content.put(op, Buffer.from(JSON.stringify(config)));
  await lease.blob(stored.digest);
  const layers = [{ mediaType: layer.mediaType, ...layer.blob }];
  const manifest: Manifest = {
    schemaVersion: 2,
    mediaType: mediaTypes.ociManifest,
    config: { mediaType: mediaTypes.ociConfig, ...stored },
    layers,
  };
  const blob = await content.put(op, Buffer.from(JSON.stringify(manifest)));
  return { id: stored.digest, config, manifest: { mediaType: mediaTypes.ociManifest, ...blob }, layers };
}
