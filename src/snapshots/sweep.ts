import { randomUUID } from "node:crypto";
import { mkdir, readdir, rename, stat } from "node:fs/promises";
import { join } from "node:path";
import { errnoOf } from "../base/errors.ts";
import { type Digest, digestHex } from "../oci/digest.ts";
import type { Records } from "./records.ts";

/**
 * Brings folder and store into agreement when they are opened: half-made layers, folders without a record and layers
 * that a crash of the machine may have damaged go to the trash; records without a folder are removed.
 */
export async function sweep(records: Records, boot: string): Promise<void> {
  // Layers have setuid programs that are long out of date: only the engine comes here.
  await mkdir(records.root, { recursive: true, mode: 0o700 });
  await mkdir(records.temporary, { recursive: true });
  await mkdir(records.trash, { recursive: true });
  for (const name of await readdir(records.temporary)) await toTrash(records, join(records.temporary, name));
  await dropUnsynced(records, boot);
  const known = new Map<string, () => Promise<void>>();
  for (const [id] of records.layers.entries()) known.set(digestHex(id as Digest), () => records.layers.remove(id));
  for (const [id] of records.snapshots.entries()) known.set(id, () => records.snapshots.remove(id));
  for (const name of await readdir(records.root)) {
    if (!name.startsWith(".") && !known.delete(name)) await toTrash(records, join(records.root, name));
  }
  for (const forget of known.values()) await forget();
}

async function dropUnsynced(records: Records, boot: string): Promise<void> {
  for (const [id, { unsynced }] of records.layers.entries()) {
    if (unsynced === undefined || unsynced === boot) continue;
    await toTrash(records, records.layerFolder(id as Digest));
    await records.layers.remove(id);
  }
}

/** Moves a folder to the trash; false where there is none. */
export async function toTrash(records: Records, path: string): Promise<boolean> {
  try {
    await rename(path, join(records.trash, randomUUID()));
    return true;
  } catch (error) {
    if (errnoOf(error) === "ENOENT") return false;
    throw error;
  }
}

/** True where the path exists. */
export async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}
