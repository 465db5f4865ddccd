import { invalid } from "../base/errors.ts";
import type { Digest } from "./digest.ts";

/** Where a name without a registry lives. */
export const defaultDomain = "docker.io";
export const defaultTag = "latest";

/** A name of an image, taken apart and normalized: what a user writes as `busybox` is `docker.io` and `library/busybox`. */
export interface Reference {
  /** The registry's host, with its port where it has one. */
  readonly domain: string;
  /** The repository within the registry. */
  readonly path: string;
  readonly tag?: string;
  readonly digest?: Digest;
}

// The grammar of references (distribution/reference, `reference.go`): name[:tag][@digest], name = [domain/]path.
const component = "[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*";
const pathPattern = `${component}(?:/${component})*`;
const domainLabel = "[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?";
const domainPattern = `(?:${domainLabel}(?:\\.${domainLabel})*|\\[[a-fA-F0-9:]+\\])(?::[0-9]+)?`;
const tagPattern = "[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}";
const digestPattern = "[A-Za-z][A-Za-z0-9]*(?:[-_+.][A-Za-z][A-Za-z0-9]*)*:[0-9a-fA-F]{32,}";
const referencePattern = new RegExp(
  `^(?:(${domainPattern})/)?(${pathPattern})(?::(${tagPattern}))?(?:@(${digestPattern}))?$`,
);
const wholeTag = new RegExp(`^${tagPattern}$`);
const identifier = /^[0-9a-f]{64}$/;
const maxPathLength = 255;
/** No text that is longer can be a reference; it is refused before any pattern reads it. */
const maxTextLength = 4096;

/** Parses a user's text. Throws `invalid` with Docker's words. */
export function parseReference(text: string): Reference {
  if (identifier.test(text))
    throw invalid(`invalid repository name (${text}), cannot specify 64-byte hexadecimal strings`);
  if (text.length > maxTextLength) throw invalid("invalid reference format");
  const [domain, rest] = splitDomain(text);
  const remoteName = rest.split(":", 1)[0]!;
  if (remoteName.toLowerCase() !== remoteName)
    throw invalid(`invalid reference format: repository name (${remoteName}) must be lowercase`);
  const match = referencePattern.exec(`${domain}/${rest}`);
  if (match === null || match[1] !== domain) throw invalid("invalid reference format");
  const [, , path, tag, digest] = match;
  if (path!.length > maxPathLength) throw invalid(`repository name must not be more than ${maxPathLength} characters`);
  return {
    domain,
    path: path!,
    ...(tag === undefined ? {} : { tag }),
    ...(digest === undefined ? {} : { digest: checkDigest(digest) }),
  };
}

/** The text as a reference, or undefined where it is none. */
export function tryParseReference(text: string): Reference | undefined {
  try {
    return parseReference(text);
  } catch {
    return undefined;
  }
}

/** True for what may stand after the colon. */
export function isTag(text: string): boolean {
  return wholeTag.test(text);
}

/** The reference with tag `latest` where it has neither tag nor digest. */
export function withDefaultTag(reference: Reference): Reference {
  return reference.tag === undefined && reference.digest === undefined ? { ...reference, tag: defaultTag } : reference;
}

/** `docker.io/library/busybox`: the repository alone, in full. */
export function canonicalName({ domain, path }: Reference): string {
  return `${domain}/${path}`;
}

/** `docker.io/library/busybox:latest`: everything, in full. */
export function canonicalString(reference: Reference): string {
  return canonicalName(reference) + suffix(reference);
}

/** `busybox`: the repository as Docker shows it. */
export function familiarName({ domain, path }: Reference): string {
  if (domain !== defaultDomain) return `${domain}/${path}`;
  const short = path.startsWith("library/") ? path.slice("library/".length) : path;
  return short.includes("/") ? path : short;
}

/** `busybox:latest`: everything, as Docker shows it. */
export function familiarString(reference: Reference): string {
  return familiarName(reference) + suffix(reference);
}

function suffix({ tag, digest }: Reference): string {
  return (tag === undefined ? "" : `:${tag}`) + (digest === undefined ? "" : `@${digest}`);
}

/** The first part is a registry where it has a dot, a colon or a capital, or is `localhost`; else all is a path. */
function splitDomain(text: string): readonly [domain: string, rest: string] {
  const slash = text.indexOf("/");
  const first = text.slice(0, slash);
  const isHost = slash !== -1 && (/[.:]/.test(first) || first === "localhost" || first.toLowerCase() !== first);
  let domain = isHost ? first : defaultDomain;
  let rest = isHost ? text.slice(slash + 1) : text;
  if (domain === "index.docker.io") domain = defaultDomain;
  if (domain === defaultDomain && !rest.includes("/")) rest = `library/${rest}`;
  return [domain, rest];
}

/** go-digest's three complaints. Of the registered algorithms only sha256 is in use. */
function checkDigest(text: string): Digest {
  const hex = text.slice("sha256:".length);
  if (!text.startsWith("sha256:")) throw invalid("unsupported digest algorithm");
  if (hex.length !== 64) throw invalid("invalid checksum digest length");
  if (!identifier.test(hex)) throw invalid("invalid checksum digest format");
  return text as Digest;
}
