import { Readable } from "node:stream";
import { corrupt, isKind } from "../../base/errors.ts";
import type { Operation } from "../../base/operation.ts";
import type { ContentStore } from "../../content/content.ts";
import type { Descriptor } from "../../oci/image.ts";
import { TransferError } from "./failure.ts";
import type { RemoteRepository } from "./registry.ts";
import { retrying } from "./retry.ts";

/** Tells how far a download is. */
export interface FetchProgress {
  /** Bytes so far. */
  readonly onBytes?: (current: number) => void;
  readonly onRetry?: (waitMilliseconds: number) => void;
}

/**
 * Fetches a blob into the content store unless it is there: at most the announced bytes are read, and what does not
 * hash to the digest is never visible. A transfer that breaks off begins again.
 */
export async function fetchBlob(
  op: Operation,
  repository: RemoteRepository,
  content: ContentStore,
  { digest, size }: Descriptor,
  { onBytes, onRetry }: FetchProgress = {},
): Promise<void> {
  if ((await content.size(digest)) !== undefined) return;
  await retrying(
    op,
    repository.limits,
    async () => {
      const response = await repository.blob(op, digest);
      const announced = response.headers["content-length"];
      if (announced !== undefined && Number(announced) !== size) {
        response.body.destroy();
        throw corrupt(`blob ${digest}: the registry announces ${announced} bytes, its manifest says ${size}`);
      }
      try {
        await content.ingest(op, counted(response.body, onBytes), { digest, size });
      } catch (error) {
        if (error instanceof TransferError || !isKind(error, "corrupt")) throw error;
        throw corrupt(`filesystem layer verification failed for digest ${digest}`, { cause: error, id: digest });
      } finally {
        response.body.destroy();
      }
    },
    onRetry,
  );
}

function counted(body: Readable, onBytes: ((current: number) => void) | undefined): Readable {
  if (onBytes === undefined) return body;
  let current = 0;
  const count = async function* (): AsyncGenerator<Buffer> {
    for await (const chunk of body) {
      current += (chunk as Buffer).length;
      onBytes(current);
      yield chunk as Buffer;
    }
  };
  return Readable.from(count(), { objectMode: false });
}
