import type { Operation } from "../../base/operation.ts";
import type { Credentials } from "../images.ts";
import { parseChallenges } from "./challenge.ts";
import { TransferError } from "./failure.ts";
import { type HttpClient, type HttpResponse, readBody } from "./http.ts";
import { registryError } from "./registry-error.ts";

const tokenLimit = 1024 * 1024;

/** Answers a registry's challenges: nothing, Basic, or a token from the server that the challenge names. */
export class Authorizer {
  readonly #http: HttpClient;
  readonly #credentials: Credentials;
  readonly #scope: string;
  readonly #allowPlain: boolean;
  #current: string | undefined;

  constructor(options: {
    readonly http: HttpClient;
    readonly credentials: Credentials | undefined;
    /** Such as `repository:library/busybox:pull`. */
    readonly scope: string;
    /** A token server may be asked over plain HTTP, with credentials. */
    readonly allowPlain: boolean;
  }) {
    this.#http = options.http;
    this.#credentials = options.credentials ?? {};
    this.#scope = options.scope;
    this.#allowPlain = options.allowPlain;
    if (this.#credentials.registryToken) this.#current = `Bearer ${this.#credentials.registryToken}`;
  }

  /** The header to send, if any. */
  get header(): string | undefined {
    return this.#current;
  }

  /** Takes a 401's challenge. True where there is a new header to try; false where the old one is all that we have. */
  async accept(
    op: Operation,
    { headers, url }: Pick<HttpResponse, "headers" | "url">,
    method: string,
  ): Promise<boolean> {
    if (this.#credentials.registryToken) return false;
    const challenges = parseChallenges(headers["www-authenticate"] ?? "");
    const bearer = challenges.find(({ scheme }) => scheme === "bearer");
    const next = bearer
      ? `Bearer ${await this.#token(op, bearer.parameters)}`
      : challenges.some(({ scheme }) => scheme === "basic")
        ? this.#basic(method, url)
        : this.#current;
    const isNew = next !== this.#current;
    this.#current = next;
    return isNew;
  }

  #basic(method: string, url: URL): string {
    const header = this.#basicHeader();
    if (header === undefined)
      throw new TransferError(
        "unauthorized",
        `${method.slice(0, 1)}${method.slice(1).toLowerCase()} "${url.href}": no basic auth credentials`,
      );
    return header;
  }

  #basicHeader(): string | undefined {
    const { username, password } = this.#credentials;
    if (!username) return undefined;
    return `Basic ${Buffer.from(`${username}:${password ?? ""}`).toString("base64")}`;
  }

  /** Distribution's token protocol: GET with Basic or without anything; POST with an identity token. */
  async #token(op: Operation, { realm = "", service = "", scope }: Readonly<Record<string, string>>): Promise<string> {
    if (!URL.canParse(realm)) throw new TransferError("unavailable", `the registry names no token server: ${realm}`);
    const url = new URL(realm);
    const { identityToken, username } = this.#credentials;
    const isPlain = url.protocol !== "https:";
    if (isPlain && !(url.protocol === "http:" && (this.#allowPlain || !(identityToken || username))))
      throw new TransferError("unavailable", `credentials are not sent to ${url.origin}: it is not https`);
    const scopes = scope === undefined || scope === "" ? this.#scope : scope;
    const response = identityToken
      ? await this.#http.send(op, {
          method: "POST",
          url,
          headers: { "content-type": "application/x-www-form-urlencoded" },
          body: new URLSearchParams({
            grant_type: "refresh_token",
            refresh_token: identityToken,
            service,
            scope: scopes,
            client_id: "keelson",
          }).toString(),
        })
      : await this.#http.send(op, {
          method: "GET",
          url: withQuery(url, { service, scope: scopes, ...(username ? { account: username } : {}) }),
          authorization: this.#basicHeader(),
        });
    return parseToken(response, await readBody(response, tokenLimit));
  }
}

function withQuery(url: URL, query: Readonly<Record<string, string>>): URL {
  const out = new URL(url);
  for (const [name, value] of Object.entries(query)) if (value !== "") out.searchParams.set(name, value);
  return out;
}

function parseToken(response: HttpResponse, body: Buffer): string {
  if (response.status !== 200) throw registryError(response, body);
  let parsed: { token?: unknown; access_token?: unknown } | null = null;
  try {
    parsed = JSON.parse(body.toString("utf8"));
  } catch {
    // Falls through to the error below: an answer without a token.
  }
  const token = parsed?.token || parsed?.access_token;
  if (typeof token !== "string" || /[\r\n]/.test(token))
    throw new TransferError("unavailable", "authorization server did not include a token in the response");
  return token;
}
