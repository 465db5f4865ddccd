import { corrupt, isKind } from "../../base/errors.ts";
import type { Operation } from "../../base/operation.ts";
import { digestHex } from "../../oci/digest.ts";
import type { LayerSource } from "../snapshots.ts";
import type { JobWorker } from "../workers.ts";
import type { Finished } from "./finish.ts";
import { newRing, stopRing } from "./ring.ts";

export interface UnpackRequest {
  readonly layer: Pick<LayerSource, "diffId" | "path">;
  /** The new folder; it is made, with the one around it, and both are gone after a failure. */
  readonly folder: string;
  /** Resolves with the folders of the layers below, topmost first, once they are whole. */
  readonly below: () => Promise<readonly string[]>;
  readonly onProgress?: (bytes: number) => void;
}

/**
 * Unpacks one archive with two threads: one reads, decompresses and hashes, the other one writes files, with a ring of
 * shared memory between them.
 */
export async function unpackLayer(
  op: Operation,
  [reader, writer]: readonly JobWorker[],
  request: UnpackRequest,
): Promise<Finished> {
  const ring = newRing();
  const abort = (): void => stopRing(ring);
  op.signal.addEventListener("abort", abort, { once: true });
  try {
    const { path } = request.layer;
    const read = reader!.run({ kind: "read", path, ring }, request.onProgress);
    const extracted = writer!.run({ kind: "extract", folder: request.folder, ring });
    const [digest, extraction] = await both(read, extracted, (ok) =>
      ok ? writer!.run({ kind: "discard" }) : undefined,
    );
    try {
      op.check();
      if (digest !== digestHex(request.layer.diffId)) throw wrongDigest(request, digest);
      const below = extraction.needsBelow ? await request.below() : [];
      op.check();
      return await writer!.run({ kind: "finish", below });
    } catch (error) {
      await writer!.run({ kind: "discard" });
      throw error;
    }
  } catch (error) {
    op.check();
    throw error;
  } finally {
    op.signal.removeEventListener("abort", abort);
  }
}

function wrongDigest({ layer }: UnpackRequest, digest: string): Error {
  return corrupt(`layer does not match its diff ID: expected ${layer.diffId}, got sha256:${digest}`, {
    id: layer.diffId,
  });
}

/**
 * Waits for both sides. Where one fails, the other one was stopped by it, so the error that says more than that is
 * thrown, after `undo` has been told whether the extraction itself had ended well.
 */
async function both<A, B>(read: Promise<A>, extracted: Promise<B>, undo: (ok: boolean) => unknown): Promise<[A, B]> {
  const [left, right] = await Promise.allSettled([read, extracted]);
  if (left.status === "fulfilled" && right.status === "fulfilled") return [left.value, right.value];
  await undo(right.status === "fulfilled");
  const reasons = [left, right].flatMap((side) => (side.status === "rejected" ? [side.reason as unknown] : []));
  throw reasons.find((reason) => !isKind(reason, "cancelled")) ?? reasons[0];
}
