import { messageOf } from "../../base/errors.ts";
import { parseReference, type Reference } from "../../oci/reference.ts";
import { Failure } from "../failure.ts";

/** A user's image name taken apart. What is none is our own complaint, not the engine's. */
export function reference(text: string, words: (reason: string) => string = (reason) => reason): Reference {
  try {
    return parseReference(text);
  } catch (error) {
    throw new Failure(words(messageOf(error)), 1, error);
  }
}
