import { readFile } from "node:fs/promises";

/** The package's version; the bundle has it built in, a checkout reads it. */
export async function packageVersion(): Promise<string> {
  if (typeof KEELSON_VERSION === "string") return KEELSON_VERSION;
  const text = await readFile(new URL("../../package.json", import.meta.url), "utf8");
  return (JSON.parse(text) as { version: string }).version;
}

declare const KEELSON_VERSION: string | undefined;

/** What `keelson --version` prints. */
export async function versionText(): Promise<string> {
  return `Keelson version ${await packageVersion()}`;
}
