import { invalid, notImplemented } from "../../base/errors.ts";
import type { ProgressLine } from "../../client/endpoints/images.ts";
import { imageCreate, imageLoad } from "../../client/endpoints/images.ts";
import type { LoadResult, TransferEvent } from "../../images/images.ts";
import { parsePlatform } from "../../oci/platform.ts";
import { decodeCredentials } from "../decode/credentials.ts";
import { withProgress } from "../progress-stream.ts";
import { type Call, type Lines, type Route, route } from "../route.ts";
import type { ApiServices } from "../services.ts";
import { errorLine, progressLine } from "../wire/progress.ts";

type Images = ApiServices["images"];
type CreateCall = Call<typeof imageCreate>;

/** Endpoints that bring images here, with lines of progress. */
export function imageTransferRoutes({ images }: Pick<ApiServices, "images">): Route[] {
  return [
    route(imageCreate, (call) => {
      if (call.query.fromImage) return pull(images, call);
      if (call.query.fromSrc === "-") return importImage(images, call);
      if (call.query.fromSrc) throw notImplemented("image import from a URL is not implemented yet");
      throw invalid("one of fromImage and fromSrc is needed");
    }),
    route(imageLoad, ({ op, query, stream }) => {
      const options = query.platform ? { platform: platformsOf(query.platform) } : {};
      return lines(async (onProgress, say) => {
        // What is said of no layer is for the user to read, also where progress is not wanted.
        const tell = (event: TransferEvent): void => {
          if (event.id === undefined) say({ stream: `${event.status}\n` });
          else if (!query.quiet) onProgress(event);
        };
        const result = await images.load(op, stream, { ...options, onProgress: tell });
        for (const text of loadedTexts(result)) say({ stream: text });
      });
    }),
  ];
}

function pull(images: Images, { op, query, headers }: CreateCall): Lines<ProgressLine> {
  const reference = referenceOf(query.fromImage!, query.tag);
  const credentials = decodeCredentials(headers["x-registry-auth"]);
  const platform = query.platform ? parsePlatform(query.platform) : undefined;
  return lines(async (onProgress) => {
    await images.pull(op, reference, {
      onProgress,
      allTags: isNameOnly(reference),
      ...(credentials && { credentials }),
      ...(platform && { platform }),
    });
  });
}

function importImage(images: Images, { op, query, stream }: CreateCall): Lines<ProgressLine> {
  const platform = query.platform ? parsePlatform(query.platform) : undefined;
  return lines(async (_, say) => {
    const image = await images.import(op, stream, {
      ...(query.repo && { reference: query.tag ? `${query.repo}:${query.tag}` : query.repo }),
      ...(query.changes && { changes: query.changes }),
      ...(query.message && { message: query.message }),
      ...(platform && { platform }),
    });
    say({ status: image.id });
  });
}

type Work = (onProgress: (event: TransferEvent) => void, say: (line: ProgressLine) => void) => Promise<void>;

function lines(work: Work): Lines<ProgressLine> {
  const source = withProgress<ProgressLine>((put) =>
    // One line a layer or tag may wait: a slow reader sees the newest.
    work(
      (event) => put(progressLine(event), event.current === undefined ? undefined : event.id),
      (line) => put(line),
    ),
  );
  return { source, flush: false, failure: errorLine };
}

/** A tag may be a digest; a name with a colon at its end is how old clients ask for all tags. */
function referenceOf(image: string, tag: string | undefined): string {
  const name = image.replace(/:$/, "");
  if (!tag) return name;
  return tag.includes(":") ? `${name}@${tag}` : `${name}:${tag}`;
}

function isNameOnly(reference: string): boolean {
  return !/(:[^/]*|@.*)$/.test(reference);
}

/** `platform` is text (`linux/arm64`) or, as newer clients send it, JSON. */
function platformsOf(text: string): ReturnType<typeof parsePlatform> {
  if (!text.startsWith("{")) return parsePlatform(text);
  try {
    const { os, architecture, variant } = JSON.parse(text) as Record<string, string>;
    return parsePlatform([os, architecture, variant].filter(Boolean).join("/"));
  } catch (cause) {
    throw invalid(`invalid platform: ${text.slice(0, 100)}`, { cause });
  }
}

function loadedTexts({ loaded }: LoadResult): string[] {
  return loaded.map(({ image, name }) => (name ? `Loaded image: ${name}\n` : `Loaded image ID: ${image.id}\n`));
}
