import { conflict } from "../base/errors.ts";
import { shortId } from "../base/ids.ts";
import type { Operation } from "../base/operation.ts";
import type { Digest } from "../oci/digest.ts";
import { familiarString, type Reference } from "../oci/reference.ts";
import type { Collector } from "./collector.ts";
import type { ImageUsers, Removed, RemoveOptions } from "./images.ts";
import { emitImageEvent, type Installation, writeIndex } from "./installer.ts";
import { sameRepository } from "./names.ts";
import { blobsOf, layersOf, referenceKey } from "./records.ts";
import { resolveImage } from "./resolve.ts";

type Parts = Installation & { readonly collector: Collector; readonly users: ImageUsers };

/**
 * Docker's rules of `rmi`. By a name: that name goes, and the image with it where it was the last. By an ID: the image
 * goes with its names, unless they are of several repositories. What a container uses stays, unless forced; what a
 * running one uses stays in any case.
 */
export async function removeImage(
  op: Operation,
  parts: Parts,
  text: string,
  { force = false }: RemoveOptions,
): Promise<Removed[]> {
  const { removed, image } = await parts.records.exclusively(async () => {
    op.check();
    const { id, reference } = resolveImage(parts.records, text);
    return new Removal(parts, id, force).run(text, reference);
  });
  if (image === undefined) return removed;
  const layers = await parts.collector.sweep(image.blobs, image.chains);
  return [...removed, ...layers.map((deleted) => ({ deleted }))];
}

/** What an image that was deleted was made of, for the sweep: layers topmost first. */
interface Remains {
  readonly blobs: readonly Digest[];
  readonly chains: readonly Digest[];
}

interface Outcome {
  readonly removed: Removed[];
  readonly image?: Remains;
}

type Hindrance = { readonly message: string; readonly inUse: boolean };

class Removal {
  readonly #parts: Parts;
  readonly #id: Digest;
  readonly #force: boolean;
  readonly #removed: Removed[] = [];

  constructor(parts: Parts, id: Digest, force: boolean) {
    this.#parts = parts;
    this.#id = id;
    this.#force = force;
  }

  async run(text: string, reference: Reference | undefined): Promise<Outcome> {
    const names = this.#names();
    if (reference === undefined) {
      if (isSingleReference(names)) {
        this.#refuse(this.#hindrance({ soft: !this.#force, references: false }));
        await this.#untag(names, names.length);
      }
      return this.#deleteImage(false);
    }
    const users = this.#parts.users.usersOf(this.#id);
    if (!this.#force && isSingleReference(names) && users.length > 0)
      throw conflict(
        `conflict: unable to remove repository reference ${JSON.stringify(text)} (must force) - container ` +
          `${shortId(users[0]!.id)} is using its referenced image ${shortId(this.#id)}`,
        { id: this.#id },
      );
    await this.#untag(withOrphanedDigests(reference, names), 1);
    if (this.#names().length > 0) return { removed: this.#removed };
    return this.#deleteImage(true);
  }

  /** Deletes the image with the names that are left. `quiet`: a name went already, so an image in use is no error. */
  async #deleteImage(quiet: boolean): Promise<Outcome> {
    const { records } = this.#parts;
    const hindrance = this.#hindrance({ soft: !this.#force, references: true });
    if (hindrance && quiet && (hindrance.inUse || this.#names().length > 0)) return { removed: this.#removed };
    this.#refuse(hindrance);
    const names = this.#names();
    await this.#untag(names, names.length);
    const record = records.image(this.#id)!;
    await records.commit({ removedImages: [this.#id] });
    emitImageEvent(this.#parts, "delete", this.#id, this.#id);
    this.#removed.push({ deleted: this.#id });
    return {
      removed: this.#removed,
      image: { blobs: blobsOf(this.#id, record), chains: layersOf(record).toReversed() },
    };
  }

  /** Why the image cannot be deleted. Hard: a running container. Soft: several names, or a stopped container. */
  #hindrance(check: { soft: boolean; references: boolean }): Hindrance | undefined {
    const users = this.#parts.users.usersOf(this.#id);
    const running = users.find((user) => user.running);
    const text = (how: string, why: string): string =>
      `conflict: unable to delete ${shortId(this.#id)} (${how}) - ${why}`;
    if (running) {
      const why = `image is being used by running container ${shortId(running.id)}`;
      return { message: text("cannot be forced", why), inUse: true };
    }
    if (!check.soft) return undefined;
    if (check.references && this.#names().length > 0)
      return { message: text("must be forced", "image is referenced in multiple repositories"), inUse: false };
    if (users.length === 0) return undefined;
    const why = `image is being used by stopped container ${shortId(users[0]!.id)}`;
    return { message: text("must be forced", why), inUse: true };
  }

  #refuse(hindrance: Hindrance | undefined): void {
    if (hindrance) throw conflict(hindrance.message, { id: this.#id });
  }

  async #untag(names: readonly Reference[], events: number): Promise<void> {
    if (names.length === 0) return;
    await this.#parts.records.commit({ removedReferences: names.map(referenceKey) });
    await writeIndex(this.#parts);
    for (const [i, name] of names.entries()) {
      if (i < events) emitImageEvent(this.#parts, "untag", this.#id, this.#id);
      this.#removed.push({ untagged: familiarString(name) });
    }
  }

  #names(): Reference[] {
    return this.#parts.records.referencesOf(this.#id);
  }
}

/** The name, and with the last tag of a repository the digests by which the image was pulled from there. */
function withOrphanedDigests(name: Reference, names: readonly Reference[]): Reference[] {
  if (name.digest !== undefined) return [name];
  const siblings = names.filter((other) => sameRepository(other, name) && referenceKey(other) !== referenceKey(name));
  return siblings.some(({ digest }) => digest === undefined) ? [name] : [name, ...siblings];
}

/** True for at most one tag, where every digest is of that tag's repository (of one repository, without a tag). */
function isSingleReference(names: readonly Reference[]): boolean {
  if (names.length <= 1) return true;
  const tags = names.filter(({ digest }) => digest === undefined);
  if (tags.length > 1) return false;
  return names.every((name) => sameRepository(name, tags[0] ?? names[0]!));
}
