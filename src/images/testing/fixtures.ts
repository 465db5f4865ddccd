import { execFile } from "node:child_process";
import type { Readable } from "node:stream";
import { buffer } from "node:stream/consumers";
import { promisify } from "node:util";
import { gzipSync } from "node:zlib";
import { pack } from "tar-stream";
import { type Digest, digestHex, digestOf } from "../../oci/digest.ts";
import { type Descriptor, type ImageConfig, type Manifest, mediaTypes } from "../../oci/image.ts";

export const run = promisify(execFile);

/** What a tar holds: a file's bytes, or a symbolic link's target. */
export type Entry = readonly [name: string, content: Buffer | string | { readonly link: string }];

export async function tar(entries: readonly Entry[]): Promise<Buffer> {
  const archive = pack();
  const whole = buffer(archive as unknown as Readable);
  for (const [name, content] of entries) {
    if (typeof content === "object" && "link" in content)
      archive.entry({ name, type: "symlink", linkname: content.link });
    else archive.entry({ name, mtime: new Date(0) }, content);
  }
  archive.finalize();
  return whole;
}

/** An image in memory: its config's bytes and its layers, uncompressed and as they are stored. */
export interface Fixture {
  readonly id: Digest;
  readonly config: Buffer;
  readonly layers: readonly Buffer[];
  readonly stored: readonly Buffer[];
  readonly manifest: Buffer;
  readonly manifestDescriptor: Descriptor;
}

export interface FixtureOptions {
  readonly gzip?: boolean;
  readonly config?: Partial<ImageConfig>;
  readonly mediaType?: string;
}

/** An image of the given layers, each a list of files. */
export async function fixture(layers: ReadonlyArray<readonly Entry[]>, options: FixtureOptions = {}): Promise<Fixture> {
  const tars = await Promise.all(layers.map(tar));
  const config = Buffer.from(
    JSON.stringify({
      architecture: "amd64",
      os: "linux",
      created: "2024-05-01T00:00:00Z",
      config: { Cmd: ["sh"] },
      rootfs: { type: "layers", diff_ids: tars.map(digestOf) },
      history: tars.map((_, i) => ({ created_by: `layer ${i}` })),
      ...options.config,
    }),
  );
  const stored = tars.map((bytes) => (options.gzip ? gzipSync(bytes) : bytes));
  const layerType = options.gzip ? mediaTypes.ociLayerGzip : mediaTypes.ociLayer;
  const value: Manifest = {
    schemaVersion: 2,
    mediaType: options.mediaType ?? mediaTypes.ociManifest,
    config: descriptor(mediaTypes.ociConfig, config),
    layers: stored.map((bytes) => descriptor(layerType, bytes)),
  };
  const manifest = Buffer.from(JSON.stringify(value));
  return {
    id: digestOf(config),
    config,
    layers: tars,
    stored,
    manifest,
    manifestDescriptor: descriptor(value.mediaType!, manifest),
  };
}

export function descriptor(mediaType: string, bytes: Buffer): Descriptor {
  return { mediaType, digest: digestOf(bytes), size: bytes.length };
}

export interface Tagged {
  readonly image: Fixture;
  readonly tags: readonly string[];
}

/** docker-archive as Docker 20 writes it: a folder a layer, layers that images share as links, the manifest last. */
export async function dockerArchive(images: readonly Tagged[]): Promise<Buffer> {
  const entries: Entry[] = [];
  const seen = new Map<Digest, string>();
  const manifest = images.map(({ image, tags }, position) => {
    const folders = image.layers.map((layer, i) => {
      const folder = digestHex(digestOf(`${position} ${i} ${digestOf(layer)}`));
      const known = seen.get(digestOf(layer));
      entries.push([`${folder}/VERSION`, "1.0"], [`${folder}/json`, `{"id":"${folder}"}`]);
      entries.push([`${folder}/layer.tar`, known === undefined ? layer : { link: `../${known}/layer.tar` }]);
      seen.set(digestOf(layer), known ?? folder);
      return folder;
    });
    const config = `${digestHex(image.id)}.json`;
    entries.push([config, image.config]);
    return { Config: config, RepoTags: tags, Layers: folders.map((folder) => `${folder}/layer.tar`) };
  });
  entries.push(["manifest.json", JSON.stringify(manifest)], ["repositories", "{}"]);
  return tar(entries);
}

/** The blobs of images as an OCI layout has them. */
export function layoutBlobs(images: readonly Fixture[]): Entry[] {
  const all = images.flatMap(({ config, stored, manifest }) => [config, ...stored, manifest]);
  const unique = new Map(all.map((bytes) => [digestOf(bytes), bytes]));
  return [...unique].sort().map(([digest, bytes]) => [blobPath(digest), bytes] as const);
}

export function blobPath(digest: Digest): string {
  return `blobs/sha256/${digestHex(digest)}`;
}

/** An OCI layout whose index lists these manifests. */
export async function ociArchive(manifests: readonly Descriptor[], blobs: readonly Entry[]): Promise<Buffer> {
  return tar([
    ...blobs,
    ["index.json", JSON.stringify({ schemaVersion: 2, manifests })],
    ["oci-layout", '{"imageLayoutVersion":"1.0.0"}'],
  ]);
}

/** Docker 25 and later: an OCI layout with manifest.json. */
export async function layoutDockerArchive(images: readonly Tagged[]): Promise<Buffer> {
  const manifests = images.flatMap(({ image, tags }) =>
    tags.map((name) => ({
      ...image.manifestDescriptor,
      annotations: { "io.containerd.image.name": `docker.io/library/${name}` },
    })),
  );
  const manifest = images.map(({ image, tags }) => ({
    Config: blobPath(image.id),
    RepoTags: tags,
    Layers: image.stored.map((layer) => blobPath(digestOf(layer))),
  }));
  return tar([
    ...layoutBlobs(images.map(({ image }) => image)),
    ["index.json", JSON.stringify({ schemaVersion: 2, manifests })],
    ["manifest.json", JSON.stringify(manifest)],
    ["oci-layout", '{"imageLayoutVersion":"1.0.0"}'],
  ]);
}
