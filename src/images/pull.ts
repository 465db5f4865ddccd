import { forbidden, invalid, notFound } from "../base/errors.ts";
import type { Operation } from "../base/operation.ts";
import { formatPlatform, hostPlatform, matchesPlatform } from "../oci/platform.ts";
import { familiarName, familiarString, parseReference, type Reference, withDefaultTag } from "../oci/reference.ts";
import type { Collector, Lease } from "./collector.ts";
import type { Image, PullOptions } from "./images.ts";
import { emitImageEvent, type Installation, install } from "./installer.ts";
import { digestReference } from "./names.ts";
import { fetchCandidate, fetchLayers } from "./pull-image.ts";
import { referenceKey } from "./records.ts";
import { type EndpointOptions, endpointsOf } from "./remote/endpoints.ts";
import { TransferError } from "./remote/failure.ts";
import { defaultLimits, type TransferLimits } from "./remote/http.ts";
import { type RemoteManifest, RemoteRepository } from "./remote/registry.ts";

export interface PullParts extends Installation, EndpointOptions {
  readonly collector: Collector;
  readonly limits?: Partial<TransferLimits>;
}

/** Pulls one tag or digest, or every tag of the repository. Resolves with the (last) image. */
export async function pullImage(op: Operation, parts: PullParts, text: string, options: PullOptions): Promise<Image> {
  const parsed = parseReference(text);
  const all = options.allTags ?? false;
  if (all && (parsed.tag !== undefined || parsed.digest !== undefined))
    throw invalid("tag can't be used with --all-tags/-a");
  const reference = all ? parsed : withDefaultTag(parsed);
  const report = options.onProgress ?? (() => {});
  const found = await findRepository(op, parts, reference, options, async (repository) =>
    all ? repository.tags(op) : [await repository.manifest(op, reference.digest ?? reference.tag!)],
  );
  try {
    let last: Pulled | undefined;
    let isNewer = false;
    for (const item of found.answer) {
      const single = typeof item === "string" ? { ...reference, tag: item } : reference;
      const manifest = typeof item === "string" ? await found.repository.manifest(op, item) : item;
      last = await pullSingle(op, parts, found.repository, single, manifest, options);
      isNewer ||= last.isNewer;
    }
    if (last === undefined) throw notFound(`repository ${familiarName(reference)} has no tags`);
    const name = familiarString(reference);
    report({ status: `Status: ${isNewer ? "Downloaded newer image" : "Image is up to date"} for ${name}` });
    warnOfPlatform(last.image, name, options, report);
    emitImageEvent(parts, "pull", last.image.id, familiarName(reference), name);
    return last.image;
  } catch (error) {
    throw inDockersWords(error, reference);
  } finally {
    found.repository.close();
  }
}

interface Pulled {
  readonly image: Image;
  readonly isNewer: boolean;
}

async function pullSingle(
  op: Operation,
  parts: PullParts,
  repository: RemoteRepository,
  reference: Reference,
  manifest: RemoteManifest,
  options: PullOptions,
): Promise<Pulled> {
  const report = options.onProgress ?? (() => {});
  report({ status: `Pulling from ${reference.path}`, id: reference.tag ?? familiarString(reference) });
  const names = [reference, digestReference(reference, manifest.digest)];
  return parts.collector.hold(async (lease: Lease) => {
    const wanted = options.platform ?? hostPlatform();
    const candidate = await fetchCandidate(op, { ...parts, repository, lease, reference }, manifest, wanted);
    const isNewer = names.some((name) => parts.records.named(name) !== candidate.id);
    await fetchLayers(op, { ...parts, repository, lease, reference }, candidate, report);
    op.check();
    const { images } = await install(parts, [{ candidate, names: uniqueNames(names) }]);
    report({ status: `Digest: ${manifest.digest}` });
    return { image: images[0]!, isNewer };
  });
}

function uniqueNames(names: readonly Reference[]): Reference[] {
  return [...new Map(names.map((name) => [referenceKey(name), name])).values()];
}

/** Finds the first endpoint that answers. Only where none does, or a mirror fails, is the next one asked. */
async function findRepository<T>(
  op: Operation,
  parts: PullParts,
  reference: Reference,
  { credentials }: PullOptions,
  ask: (repository: RemoteRepository) => Promise<T>,
): Promise<{ repository: RemoteRepository; answer: T }> {
  const limits = { ...defaultLimits, ...parts.limits };
  let failure: unknown;
  for (const endpoint of await endpointsOf(reference.domain, parts)) {
    op.check();
    const own = endpoint.mirror ? undefined : credentials;
    const repository = new RemoteRepository({ endpoint, path: reference.path, credentials: own, limits });
    try {
      await repository.ping(op);
      return { repository, answer: await ask(repository) };
    } catch (error) {
      repository.close();
      op.check();
      failure = error;
      if (!endpoint.mirror && !(error instanceof TransferError && error.transfer.unreachable)) break;
    }
  }
  throw inDockersWords(failure, reference);
}

/** Docker tells what a refusal means for the image that was asked for. */
function inDockersWords(error: unknown, reference: Reference): unknown {
  if (!(error instanceof TransferError)) return error;
  const words = error.message;
  const name = familiarName(reference);
  switch (error.transfer.code) {
    case "MANIFEST_UNKNOWN":
      return notFound(`manifest for ${familiarString(reference)} not found: ${words}`, { cause: error });
    case "NAME_UNKNOWN":
      return notFound(`repository ${name} not found: ${words}`, { cause: error });
    case "DENIED": {
      const message = `pull access denied for ${name}, repository does not exist or may require 'docker login': ${words}`;
      return error.kind === "forbidden" ? forbidden(message, { cause: error }) : notFound(message, { cause: error });
    }
    default:
      return error;
  }
}

function warnOfPlatform(
  { config }: Image,
  name: string,
  { platform }: PullOptions,
  report: NonNullable<PullOptions["onProgress"]>,
): void {
  if (platform === undefined || matchesPlatform(platform, config)) return;
  report({
    status:
      `WARNING: image with reference ${name} was found but its platform (${formatPlatform(config)}) ` +
      `does not match the specified platform (${formatPlatform(platform)})`,
  });
}
