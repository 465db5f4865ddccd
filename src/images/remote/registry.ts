import { corrupt } from "../../base/errors.ts";
import type { Operation } from "../../base/operation.ts";
import { type Digest, digestOf } from "../../oci/digest.ts";
import { mediaTypes } from "../../oci/image.ts";
import type { Credentials } from "../images.ts";
import { metadataLimit, parseJson } from "../parse.ts";
import { Authorizer } from "./authorizer.ts";
import type { Endpoint } from "./endpoints.ts";
import { TransferError } from "./failure.ts";
import { HttpClient, type HttpRequest, type HttpResponse, readBody, type TransferLimits } from "./http.ts";
import { registryError } from "./registry-error.ts";
import { retrying } from "./retry.ts";

const accepted = [
  mediaTypes.ociIndex,
  mediaTypes.dockerList,
  mediaTypes.ociManifest,
  mediaTypes.dockerManifest,
  "application/vnd.docker.distribution.manifest.v1+prettyjws;q=0.1",
].join(", ");
const maxTagPages = 1000;

/** A manifest or index as a registry sent it. */
export interface RemoteManifest {
  readonly bytes: Buffer;
  readonly mediaType: string;
  readonly digest: Digest;
}

/** One repository of a registry (OCI distribution-spec, Pull). Close it after use. */
export class RemoteRepository {
  readonly #http: HttpClient;
  readonly #authorizer: Authorizer;
  readonly #base: URL;
  readonly #path: string;
  readonly #limits: TransferLimits;

  constructor(options: {
    readonly endpoint: Endpoint;
    readonly path: string;
    readonly credentials: Credentials | undefined;
    readonly limits: TransferLimits;
  }) {
    const { endpoint, path, credentials, limits } = options;
    this.#base = endpoint.base;
    this.#path = path;
    this.#limits = limits;
    this.#http = new HttpClient(endpoint.base, endpoint.trust, limits.stall);
    this.#authorizer = new Authorizer({
      http: this.#http,
      credentials,
      scope: `repository:${path}:pull`,
      allowPlain: endpoint.trust.insecure,
    });
  }

  get limits(): TransferLimits {
    return this.#limits;
  }

  /** Asks whether a registry is there, and learns how it wants to be talked to. */
  async ping(op: Operation): Promise<void> {
    const url = new URL("/v2/", this.#base);
    const response = await retrying(op, this.#limits, () => this.#http.send(op, { method: "GET", url }));
    response.body.destroy();
    if (response.status === 401)
      await this.#authorizer.accept(op, { ...response, url: this.#url("manifests/") }, "GET").catch((error) => {
        // A wrong answer to the challenge is an error of what is asked next, which names it better.
        if (!(error instanceof TransferError) || error.kind !== "unauthorized") throw error;
      });
  }

  /** A manifest by tag or digest, checked against the digest that was asked for or that the registry announces. */
  async manifest(op: Operation, tagOrDigest: string): Promise<RemoteManifest> {
    return retrying(op, this.#limits, async () => {
      const response = await this.#get(op, this.#url(`manifests/${tagOrDigest}`), { accept: accepted });
      const bytes = await readBody(response, metadataLimit);
      const digest = digestOf(bytes);
      const announced = response.headers["docker-content-digest"];
      const wanted = tagOrDigest.includes(":") ? tagOrDigest : String(announced ?? digest);
      if (digest !== wanted) throw corrupt(`manifest verification failed for digest ${wanted}`, { id: wanted });
      return { bytes, digest, mediaType: mediaTypeOf(bytes, response.headers["content-type"]) };
    });
  }

  /** Every tag (OCI distribution-spec, Listing Tags). */
  async tags(op: Operation): Promise<string[]> {
    const tags: string[] = [];
    let next: URL | undefined = this.#url("tags/list");
    for (let page = 0; next !== undefined && page < maxTagPages; page++) {
      const response: HttpResponse = await retrying(op, this.#limits, () => this.#get(op, next!, {}));
      const listed = parseJson<{ tags?: unknown }>(await readBody(response, metadataLimit), "list of tags").tags ?? [];
      if (!Array.isArray(listed)) throw corrupt("invalid list of tags");
      tags.push(...listed.filter((tag) => typeof tag === "string"));
      const link = /<([^>]+)>\s*;\s*rel="?next"?/.exec(String(response.headers.link ?? ""))?.[1];
      const url: URL | null = link === undefined ? null : URL.parse(link, next.href);
      next = url?.origin === next.origin ? url : undefined;
    }
    return [...new Set(tags)];
  }

  /** The answer that carries a blob's bytes; not retried here. */
  async blob(op: Operation, digest: Digest): Promise<HttpResponse> {
    return this.#get(op, this.#url(`blobs/${digest}`), {});
  }

  close(): void {
    this.#http.close();
  }

  /** GET with authorization; a 401 is answered once. */
  async #get(op: Operation, url: URL, headers: Record<string, string>): Promise<HttpResponse> {
    const send = (): Promise<HttpResponse> => {
      const request: HttpRequest = { method: "GET", url, headers, authorization: this.#authorizer.header };
      return this.#http.send(op, request);
    };
    let response = await send();
    if (response.status === 401 && url.origin === response.url.origin) {
      const body = await readBody(response, metadataLimit);
      if (!(await this.#authorizer.accept(op, response, "GET"))) throw registryError(response, body);
      response = await send();
    }
    if (response.status === 200) return response;
    throw registryError(response, await readBody(response, metadataLimit));
  }

  #url(rest: string): URL {
    return new URL(`/v2/${this.#path}/${rest}`, this.#base);
  }
}

/** What the manifest says of itself, else the header, else what it looks like. */
function mediaTypeOf(bytes: Buffer, header: string | undefined): string {
  const parsed = parseJson<{ mediaType?: unknown; schemaVersion?: unknown; manifests?: unknown }>(bytes, "manifest");
  if (parsed.schemaVersion === 1) return "application/vnd.docker.distribution.manifest.v1+prettyjws";
  if (typeof parsed.mediaType === "string") return parsed.mediaType;
  const announced = header?.split(";")[0]?.trim().toLowerCase() ?? "";
  if (accepted.includes(announced) && announced !== "") return announced;
  return Array.isArray(parsed.manifests) ? mediaTypes.ociIndex : mediaTypes.ociManifest;
}
