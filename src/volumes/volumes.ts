import type { Operation } from "../base/operation.ts";

/** Named folders that outlive containers. A volume driver is one file that implements {@link VolumeDriver}. */
export interface Volumes {
  /** Makes a volume, or returns the one of that name. Without a name, 64 random hex digits (an anonymous volume). */
  create(op: Operation, request: VolumeRequest): Promise<Volume>;
  /** `notFound` "get NAME: no such volume". */
  get(name: string): Volume;
  list(): Volume[];
  /** `conflict` "remove NAME: volume is in use - [ID, …]" while a container uses it, unless forced past a missing one. */
  remove(op: Operation, name: string, options?: { readonly force?: boolean }): Promise<void>;
  /**
   * Readies the volume for a container (mounts it where its driver has to) and returns its folder. Who uses a volume is
   * not kept over a restart: call it again, after `reconcile`, for each container that still runs.
   */
  mount(op: Operation, name: string, containerId: string): Promise<string>;
  unmount(op: Operation, name: string, containerId: string): Promise<void>;
  /**
   * Copies what the image has at the mount point into an empty volume, with owners, modes, xattrs and links, and gives
   * the volume's root the owner and mode of that folder. A volume with anything in it is left as it is.
   */
  seed(op: Operation, name: string, from: string): Promise<void>;
  reconcile(op: Operation): Promise<void>;
}

export interface VolumeRequest {
  readonly name?: string;
  readonly driver?: string;
  readonly driverOptions?: Readonly<Record<string, string>>;
  readonly labels?: Readonly<Record<string, string>>;
}

export interface Volume {
  readonly name: string;
  readonly driver: string;
  readonly mountpoint: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly options: Readonly<Record<string, string>>;
  readonly scope: "local" | "global";
  /** RFC 3339, UTC, seconds. */
  readonly createdAt: string;
  readonly anonymous: boolean;
}

export interface VolumeDriver {
  readonly name: string;
  /** Throws `invalid` for options that it does not know. */
  create(op: Operation, name: string, options: Readonly<Record<string, string>>): Promise<void>;
  remove(op: Operation, name: string): Promise<void>;
  /** The folder, ready to be bound into a container. */
  mount(op: Operation, name: string): Promise<string>;
  unmount(op: Operation, name: string): Promise<void>;
  path(name: string): string;
}

/** What the volumes need to know of containers before one is removed. */
export interface VolumeUsers {
  usersOf(volume: string): readonly string[];
}
