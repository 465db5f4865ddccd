import { isKind } from "../base/errors.ts";
import { Operation } from "../base/operation.ts";
import type { ContentStore } from "../content/content.ts";
import { chainIds, type Digest } from "../oci/digest.ts";
import type { Layer, Snapshots } from "../snapshots/snapshots.ts";
import type { Candidate } from "./installer.ts";

export interface UnpackHooks {
  /** Waited for before a layer is unpacked: a pull waits for its blob here. */
  readonly before?: (position: number) => Promise<void>;
  readonly onProgress?: (position: number, bytes: number) => void;
  /** A layer and all beneath it are unpacked. */
  readonly after?: (position: number) => void;
}

/**
 * Unpacks a candidate's layers that are not unpacked yet. Each is started when the one beneath it was started, so that
 * they run side by side as far as the snapshots let them. Where one fails, the others are called off and have ended
 * when its error is thrown.
 */
export async function unpackLayers(
  op: Operation,
  parts: { readonly content: Pick<ContentStore, "path">; readonly snapshots: Pick<Snapshots, "layer" | "unpack"> },
  candidate: Pick<Candidate, "config" | "layers">,
  hooks: UnpackHooks = {},
): Promise<void> {
  const diffIds = candidate.config.rootfs.diff_ids;
  const chains = chainIds(diffIds);
  const stop = new AbortController();
  const own = new Operation(op.name, AbortSignal.any([op.signal, stop.signal]));
  const started: Promise<Layer>[] = [];
  let done: Promise<unknown> = Promise.resolve();
  const start = (position: number, chainId: Digest): void => {
    const source = {
      chainId,
      diffId: diffIds[position]!,
      path: parts.content.path(candidate.layers[position]!.digest),
      ...(position === 0 ? {} : { parent: chains[position - 1]! }),
    };
    const here = parts.snapshots.layer(chainId);
    const layer = here
      ? Promise.resolve(here)
      : parts.snapshots.unpack(own, source, (bytes) => hooks.onProgress?.(position, bytes));
    started.push(layer);
    done = Promise.all([done, layer]).then(() => hooks.after?.(position));
    done.catch(() => {});
  };
  try {
    for (const [position, chainId] of chains.entries()) {
      await Promise.race([hooks.before?.(position), firstFailure(started)]);
      own.check();
      start(position, chainId);
    }
    await Promise.race([done, firstFailure(started)]);
    await done;
  } catch (error) {
    stop.abort();
    const failures = (await Promise.allSettled(started)).flatMap((result) =>
      result.status === "rejected" ? [result.reason as unknown] : [],
    );
    op.check();
    throw failures.find((failure) => !isKind(failure, "cancelled")) ?? error;
  }
}

/** Rejects as soon as one of them does, and never resolves. */
function firstFailure(promises: ReadonlyArray<Promise<unknown>>): Promise<never> {
  return new Promise((_, reject) => {
    for (const promise of promises) promise.catch(reject);
  });
}
