import type { Readable } from "node:stream";
import type { Operation } from "../base/operation.ts";
import type { Digest } from "../oci/digest.ts";
import type { Descriptor, HistoryEntry, ImageConfig } from "../oci/image.ts";
import type { Platform } from "../oci/platform.ts";

/** Images: what is named, what it is made of, and how it comes here. Errors carry Docker's messages. */
export interface Images {
  /**
   * The image that a user's text names: a reference (`nginx`, `nginx:1.27`, `host:5000/a@sha256:…`), a full ID, or an
   * unambiguous prefix of one. Throws `notFound` "No such image: …", `invalid` for what is no reference.
   */
  resolve(reference: string): Image;
  /** Every image, newest first. */
  list(): Image[];
  /** Unpacks every layer that is not unpacked yet, and returns the chain ID of the topmost (undefined: no layers). */
  unpack(op: Operation, image: Image): Promise<Digest | undefined>;
  /** Takes in a docker-archive or an OCI archive, plain or compressed. Nothing stays visible where it fails. */
  load(op: Operation, archive: Readable, options?: LoadOptions): Promise<LoadResult>;
  /** Makes an image of one layer from a tar of a root file system (plain or compressed), as `docker import`. */
  import(op: Operation, archive: Readable, options: ImportOptions): Promise<Image>;
  /** Fetches an image from its registry. With `allTags`, every tag of the repository. */
  pull(op: Operation, reference: string, options: PullOptions): Promise<Image>;
  /** Gives an image another name; a name that another image had moves. */
  tag(op: Operation, source: string, target: string): Promise<void>;
  /** Untags and, where nothing else names it, deletes. What was done, in Docker's order. */
  remove(op: Operation, reference: string, options: RemoveOptions): Promise<Removed[]>;
  history(reference: string): ImageHistory[];
  /** Brings index.json, references and blobs into agreement after a crash; removes what nothing names. */
  reconcile(op: Operation): Promise<void>;
}

/** An image as the store has it. Immutable; a change of its names is a new record. */
export interface Image {
  /** The digest of its config. */
  readonly id: Digest;
  readonly config: ImageConfig;
  /** The manifest of this platform; its layers' blobs may have been dropped after unpacking. */
  readonly manifest: Descriptor;
  /** The index or manifest list that it was pulled by, where there was one. */
  readonly index?: Descriptor;
  /** `repo:tag` in Docker's familiar form (`busybox:latest`, `host:5000/x:1`). */
  readonly tags: readonly string[];
  /** `repo@sha256:…` in familiar form. */
  readonly digests: readonly string[];
  /** Sum of the unpacked layers' sizes, in bytes. */
  readonly size: number;
  /** Nanoseconds since the epoch. */
  readonly lastTagged: number;
}

export interface LoadOptions {
  readonly platform?: Platform;
  readonly onProgress?: (event: TransferEvent) => void;
}

export interface LoadResult {
  /** In the archive's order: each name that was set, or the ID of an image without one. */
  readonly loaded: ReadonlyArray<{ readonly image: Image; readonly name?: string }>;
}

export interface ImportOptions {
  /** `repo[:tag]`; without it the image has no name. */
  readonly reference?: string;
  /** Dockerfile instructions that change its config: CMD, ENTRYPOINT, ENV, EXPOSE, LABEL, USER, VOLUME, WORKDIR, … */
  readonly changes?: readonly string[];
  readonly message?: string;
  readonly platform?: Platform;
  /** RFC 3339; now without it. An image that shall be the same each time that it is made has a fixed one. */
  readonly created?: string;
}

export interface PullOptions {
  readonly platform?: Platform;
  readonly allTags?: boolean;
  readonly credentials?: Credentials;
  readonly onProgress?: (event: TransferEvent) => void;
}

/** Docker's `X-Registry-Auth`, decoded. */
export interface Credentials {
  readonly username?: string;
  readonly password?: string;
  readonly identityToken?: string;
  readonly registryToken?: string;
}

export interface RemoveOptions {
  /** Remove although several names or a stopped container use it. */
  readonly force?: boolean;
  /** Keep untagged parents. */
  readonly noPrune?: boolean;
}

export type Removed = { readonly untagged: string } | { readonly deleted: Digest };

/** Progress as the API streams it (`JSONMessage`): status lines, some about one layer with bytes so far. */
export interface TransferEvent {
  readonly status: string;
  /** The short digest of a layer, or the tag. */
  readonly id?: string;
  readonly current?: number;
  readonly total?: number;
}

export interface ImageHistory extends HistoryEntry {
  readonly id?: Digest;
  readonly tags: readonly string[];
  /** Bytes. */
  readonly size: number;
}

/** What the images need to know of containers before something is removed. */
export interface ImageUsers {
  /** IDs of the containers that were made from the image, and whether each runs. */
  usersOf(image: Digest): ReadonlyArray<{ readonly id: string; readonly running: boolean }>;
}
