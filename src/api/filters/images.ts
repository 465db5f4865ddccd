import { invalid } from "../../base/errors.ts";
import { nowNano, parseNano } from "../../base/time.ts";
import type { Image, Images } from "../../images/images.ts";
import { booleanFilter, checkFilters, type FilterMap, hasUnwantedLabel, matchesLabels } from "../decode/filters.ts";
import { parseTimeOrDuration } from "../decode/time.ts";

/**
 * Of an image's names those that `reference` patterns match, for a listing shows only them; without patterns the image as
 * it is.
 */
export function namedAs(image: Image, filters: FilterMap): Image {
  const patterns = (filters["reference"] ?? []).map(globOf);
  if (patterns.length === 0) return image;
  const matching = (names: readonly string[]): string[] =>
    names.filter((name) => patterns.some((pattern) => isNamed(name, pattern)));
  return { ...image, tags: matching(image.tags), digests: matching(image.digests) };
}

/** The test that `docker images --filter` asks for. */
export function imageFilter(filters: FilterMap, images: Pick<Images, "resolve">): (image: Image) => boolean {
  checkFilters(filters, ["dangling", "label", "label!", "before", "since", "reference", "until"]);
  const dangling = booleanFilter(filters, "dangling");
  const before = (filters["before"] ?? []).map((reference) => createdAt(images.resolve(reference)));
  const since = (filters["since"] ?? []).map((reference) => createdAt(images.resolve(reference)));
  const now = nowNano();
  const until = (filters["until"] ?? []).map((text) => parseTimeOrDuration(text, now));
  const patterns = (filters["reference"] ?? []).map(globOf);
  return (image) => {
    const created = createdAt(image);
    const labels = image.config.config?.Labels;
    return (
      (dangling === undefined || dangling === (image.tags.length === 0)) &&
      matchesLabels(filters["label"], labels) &&
      !hasUnwantedLabel(filters["label!"], labels) &&
      [...before, ...until].every((time) => created < time) &&
      since.every((time) => created > time) &&
      (patterns.length === 0 || patterns.some((pattern) => hasName(image, pattern)))
    );
  };
}

export function createdAt(image: Image): bigint {
  return parseNano(image.config.created ?? "") ?? 0n;
}

/** A pattern is held against the whole name and against the name without its tag or digest. */
function hasName(image: Image, pattern: RegExp): boolean {
  return [...image.tags, ...image.digests].some((name) => isNamed(name, pattern));
}

function isNamed(name: string, pattern: RegExp): boolean {
  return pattern.test(name) || pattern.test(name.replace(/(:[^:/]*|@[^@]*)$/, ""));
}

/** Go's path.Match: `*` and `?` stop at a slash, `[a-z]` is a class, a backslash takes the next as it is. */
function globOf(pattern: string): RegExp {
  const source = pattern.replace(/\\(.)|\[\^?(?:\\.|[^\]\\])+\]|[*?[\]\\]|[.+^${}()|]/g, (part, escaped?: string) => {
    if (escaped !== undefined) return escaped.replace(/\W/g, "\\$&");
    if (part === "*") return "[^/]*";
    if (part === "?") return "[^/]";
    if (part.length > 1) return part;
    if (part === "[" || part === "\\") throw invalid("syntax error in pattern");
    return `\\${part}`;
  });
  try {
    return new RegExp(`^${source}$`);
  } catch (cause) {
    throw invalid("syntax error in pattern", { cause });
  }
}
