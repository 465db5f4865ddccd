import { createHash } from "node:crypto";
import { invalid } from "../base/errors.ts";

/** A content digest, `sha256:` and 64 lower-case hex digits (OCI image-spec, descriptor.md, Digests). */
export type Digest = `sha256:${string}`;

/** True for a well-formed sha256 digest. */
export function isDigest(text: string): text is Digest {
  return /^sha256:[0-9a-f]{64}$/.test(text);
}

/** The text as a digest; `invalid` where it is none. */
export function parseDigest(text: string): Digest {
  if (!isDigest(text)) throw invalid(`invalid digest format: ${JSON.stringify(text.slice(0, 100))}`);
  return text;
}

/** The hex part. */
export function digestHex(digest: Digest): string {
  return digest.slice("sha256:".length);
}

/** The digest of bytes in memory. */
export function digestOf(bytes: string | Uint8Array): Digest {
  return `sha256:${createHash("sha256").update(bytes).digest("hex")}`;
}

/** The chain ID of each layer from the diff IDs, bottom first (OCI image-spec, config.md, Layer ChainID). */
export function chainIds(diffIds: readonly Digest[]): Digest[] {
  const chain: Digest[] = [];
  for (const diffId of diffIds) {
    const below = chain.at(-1);
    chain.push(below === undefined ? diffId : digestOf(`${below} ${diffId}`));
  }
  return chain;
}
