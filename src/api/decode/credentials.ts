import type { Credentials } from "../../images/images.ts";

/**
 * Decodes `X-Registry-Auth`, JSON in base64 (engine-api, Authentication). What cannot be read counts as no credentials,
 * as in Docker: a pull may well do without.
 */
export function decodeCredentials(header: string | string[] | undefined): Credentials | undefined {
  if (typeof header !== "string" || header === "") return undefined;
  try {
    const auth = JSON.parse(Buffer.from(header, "base64").toString("utf8")) as Record<string, unknown>;
    const text = (name: string): string | undefined => {
      const value = auth[name];
      return typeof value === "string" && value !== "" ? value : undefined;
    };
    const [user, password] = fromPair(text("auth"));
    const credentials = {
      username: text("username") ?? user,
      password: text("password") ?? password,
      identityToken: text("identitytoken"),
      registryToken: text("registrytoken"),
    };
    const given = Object.entries(credentials).filter(([, value]) => value !== undefined);
    return given.length > 0 ? Object.fromEntries(given) : undefined;
  } catch {
    return undefined;
  }
}

/** The old form, `user:password` in base64. */
function fromPair(auth: string | undefined): [user?: string, password?: string] {
  if (auth === undefined) return [];
  const pair = Buffer.from(auth, "base64").toString("utf8");
  const colon = pair.indexOf(":");
  return colon < 0 ? [] : [pair.slice(0, colon), pair.slice(colon + 1)];
}
