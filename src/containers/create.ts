import { shortId, newId } from "../base/ids.ts";
import type { Operation } from "../base/operation.ts";
import { messageOf } from "../base/errors.ts";
import { formatNano, never, nowNano } from "../base/time.ts";
import { withUndo } from "../base/undo.ts";
import { digestHex } from "../oci/digest.ts";
import type { Image } from "../images/images.ts";
import type { Container, CreateRequest, MountPoint } from "./containers.ts";
import { type Context, emit } from "./context.ts";
import { mergeConfig } from "./merge.ts";
import { parseMounts } from "./mounts.ts";
import { randomName } from "./names.ts";
import { networkModeOf, sandboxRequest } from "./sandbox-request.ts";
import { seedVolumes } from "./seed.ts";
import { validateCreate, validateName } from "./validate.ts";

/** Makes a container's record, its writable snapshot and its volumes: all of it or nothing. */
export async function createContainer(
  context: Context,
  op: Operation,
  request: CreateRequest,
): Promise<{ readonly id: string; readonly warnings: readonly string[] }> {
  const id = newId();
  const name = chooseName(context, request.name);
  context.records.takeName(name, id);
  try {
    return await make(context, op, id, name, request);
  } catch (error) {
    context.records.releaseName(name, id);
    throw error;
  }
}
