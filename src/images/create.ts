import { invalid } from "../base/errors.ts";
import type { EventSink } from "../base/events.ts";
import type { Logger } from "../base/log.ts";
import type { Operation } from "../base/operation.ts";
import type { ContentStore } from "../content/content.ts";
import type { Digest } from "../oci/digest.ts";
import { familiarString, parseReference, withDefaultTag } from "../oci/reference.ts";
import type { Snapshots } from "../snapshots/snapshots.ts";
import type { Store } from "../store/store.ts";
import { loadArchive } from "./archive/load.ts";
import { isBase, pullBase } from "./base.ts";
import { Collector } from "./collector.ts";
import { imageHistory } from "./history.ts";
import type { Image, Images, ImageUsers } from "./images.ts";
import { importImage } from "./import.ts";
import { emitImageEvent, writeIndex } from "./installer.ts";
import { pullImage } from "./pull.ts";
import { reconcileImages } from "./reconcile.ts";
import { ImageRecords, layersOf, nowNano, referenceKey } from "./records.ts";
import type { TransferLimits } from "./remote/http.ts";
import { removeImage } from "./remove.ts";
import { noSuchImage, resolveImage } from "./resolve.ts";
import { unpackLayers } from "./unpack.ts";

/** What the images are built from. */
export interface ImagesOptions {
  readonly content: ContentStore;
  readonly snapshots: Snapshots;
  readonly store: Store;
  readonly events: EventSink;
  readonly users: ImageUsers;
  /** Hosts (`host`, `host:port`) and networks (CIDR) that may have a certificate of no authority, or plain HTTP. */
  readonly insecureRegistries: readonly string[];
  /** URLs of mirrors that are asked before Docker Hub. */
  readonly mirrors: readonly string[];
  /** A folder like `/etc/docker/certs.d`: `<host:port>/*.crt`, and `*.cert` with `*.key`. */
  readonly certificates?: string;
  readonly limits?: Partial<TransferLimits>;
  readonly log?: Pick<Logger, "warn">;
}

/** Makes the images over a store that is open. Call `reconcile` once before the first use after a start. */
export function createImages(options: ImagesOptions): Images {
  const { content, snapshots, store, events, users } = options;
  const records = new ImageRecords(store);
  const collector = new Collector({ content, snapshots, records });
  const log = options.log ?? { warn: () => {} };
  const parts = { content, snapshots, records, events, users, collector, log };
  const find = (text: string): Image => {
    const { id } = resolveImage(records, text);
    return records.toImage(id, records.image(id)!);
  };
  const images: Images = {
    resolve: find,
    list: () =>
      records
        .images()
        .map(([id, record]) => records.toImage(id, record))
        .sort((a, b) => createdAt(b) - createdAt(a)),
    unpack: (op, image) => unpackImage(op, parts, image),
    load: (op, archive, loadOptions) => loadArchive(op, parts, archive, loadOptions),
    import: (op, archive, importOptions) => importImage(op, parts, archive, importOptions),
    pull: (op, reference, pullOptions) =>
      isBase(reference)
        ? pullBase(op, images, pullOptions)
        : pullImage(op, { ...options, ...parts }, reference, pullOptions),
    tag: (_op, source, target) => tagImage(parts, source, target),
    remove: (op, reference, removeOptions) => removeImage(op, parts, reference, removeOptions),
    history: (reference) => {
      const image = find(reference);
      return imageHistory(image, layersOf(records.image(image.id)!), (chainId) => snapshots.layer(chainId));
    },
    reconcile: (op) => reconcileImages(op, parts),
  };
  return images;
}

type Parts = Parameters<typeof removeImage>[1];

async function unpackImage(op: Operation, parts: Parts, image: Image): Promise<Digest | undefined> {
  const record = parts.records.image(image.id);
  if (record === undefined) throw noSuchImage(image.id);
  const chains = layersOf(record);
  const top = chains.at(-1);
  if (chains.every((chainId) => parts.snapshots.layer(chainId))) return top;
  await parts.collector.hold(async (lease) => {
    await lease.chain(chains);
    await unpackLayers(op, parts, record);
  });
  return top;
}

async function tagImage(parts: Parts, source: string, target: string): Promise<void> {
  const name = withDefaultTag(parseReference(target));
  if (name.digest !== undefined) throw invalid("refusing to create a tag with a digest reference");
  if (name.domain === "docker.io" && name.path === "library/sha256")
    throw invalid("refusing to create an ambiguous tag using digest algorithm as name");
  const { records } = parts;
  await records.exclusively(async () => {
    const { id } = resolveImage(records, source);
    const record = { ...records.image(id)!, lastTagged: nowNano() };
    await records.commit({
      images: new Map([[id, record]]),
      references: new Map([[referenceKey(name), { image: id }]]),
    });
    await writeIndex(parts);
    emitImageEvent(parts, "tag", id, familiarString(name));
  });
}

function createdAt({ config }: Image): number {
  const time = Date.parse(config.created ?? "");
  return Number.isNaN(time) ? 0 : time;
}
