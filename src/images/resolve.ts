import { type KeelsonError, notFound } from "../base/errors.ts";
import { type Digest, isDigest } from "../oci/digest.ts";
import { familiarString, parseReference, type Reference, withDefaultTag } from "../oci/reference.ts";
import type { ImageRecords } from "./records.ts";

/** What a user's text names: an image, and the reference that found it where it was no ID. */
export interface Resolved {
  readonly id: Digest;
  readonly reference?: Reference;
}

/**
 * Finds the image by a name first, then by an ID or the beginning of one. Throws `notFound` in Docker's words, and
 * `invalid` for a text that can be neither.
 */
export function resolveImage(records: ImageRecords, text: string): Resolved {
  const whole = /^[0-9a-f]{64}$/.test(text) ? `sha256:${text}` : text;
  if (isDigest(whole)) {
    if (records.image(whole)) return { id: whole };
    throw noSuchImage(whole);
  }
  const reference = withDefaultTag(parseReference(text));
  const named = records.named(reference);
  if (named !== undefined) return { id: named, reference };
  const id = byPrefix(records, text);
  if (id !== undefined) return { id };
  throw noSuchImage(familiarString(reference));
}

/** Docker's words for an image that is not here. */
export function noSuchImage(name: string): KeelsonError {
  return notFound(`No such image: ${name}`, { id: name });
}

/** The only image whose ID begins so; two of them are none, as in Docker. */
function byPrefix(records: ImageRecords, text: string): Digest | undefined {
  const prefix = text.startsWith("sha256:") ? text : `sha256:${text}`;
  if (!/^sha256:[0-9a-f]{1,63}$/.test(prefix)) return undefined;
  const found = records.images().filter(([id]) => id.startsWith(prefix));
  return found.length === 1 ? found[0]![0] : undefined;
}
