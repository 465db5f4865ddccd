import type { ErrorFields, ErrorKind } from "../base/errors.ts";
import type { Finished } from "./unpack/finish.ts";
import type { Ring } from "./unpack/ring.ts";

/** What a worker can be asked for. One job at a time. */
export type Job =
  /** Reads an archive into the ring; progress counts the file's bytes. The result is the hex digest. */
  | { readonly kind: "read"; readonly path: string; readonly ring: Ring }
  /** Unpacks what comes through the ring into a new folder. After a failure the folder is gone. */
  | { readonly kind: "extract"; readonly folder: string; readonly ring: Ring }
  /** Ends the unpacking before. `below`: folders of the layers below, topmost first. */
  | { readonly kind: "finish"; readonly below: readonly string[] }
  /** Gives up the unpacking before and removes its folder. */
  | { readonly kind: "discard" }
  /** Removes everything that is in the folder. */
  | { readonly kind: "empty"; readonly folder: string }
  /** Copies what is in one folder into another. `stop` is set to 1 to end it. */
  | { readonly kind: "copy"; readonly from: string; readonly to: string; readonly stop: SharedArrayBuffer }
  /** Bytes on the disk below the folder. */
  | { readonly kind: "usage"; readonly folder: string };

export interface JobResults {
  readonly read: string;
  readonly extract: { readonly needsBelow: boolean };
  readonly finish: Finished;
  readonly discard: undefined;
  readonly empty: undefined;
  readonly copy: undefined;
  readonly usage: number;
}

/** What a worker answers. */
export type Answer =
  | { readonly progress: number }
  | { readonly result: unknown }
  | { readonly error: { readonly kind: ErrorKind; readonly message: string; readonly fields: ErrorFields } };
