import type { Digest } from "../oci/digest.ts";
import { canonicalName, type Reference } from "../oci/reference.ts";

/** The digest reference of a repository: what `repo@sha256:…` in an image's digests comes from. */
export function digestReference({ domain, path }: Reference, digest: Digest): Reference {
  return { domain, path, digest };
}

/** True where two references are of one repository. */
export function sameRepository(a: Reference, b: Reference): boolean {
  return canonicalName(a) === canonicalName(b);
}
