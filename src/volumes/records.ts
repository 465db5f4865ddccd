import type { Store, Table } from "../store/store.ts";
import type { Volume } from "./volumes.ts";

/** A volume as the store has it. Where its folder is follows from its name. */
export interface VolumeRecord extends Omit<Volume, "mountpoint"> {
  /** Its removal has begun: the folder may be half gone. */
  readonly removing?: boolean;
}

export function volumeRecords(store: Store): Table<VolumeRecord> {
  return store.table<VolumeRecord>("volumes", { version: 1 });
}
