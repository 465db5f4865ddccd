import { corrupt } from "../base/errors.ts";
import type { HttpResponse } from "./http1.ts";

/** The whole body as text. */
export async function readText(response: HttpResponse): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString("utf8");
}

/** The body as JSON; undefined where there is none. */
export async function readJson<T>(response: HttpResponse): Promise<T> {
  const text = await readText(response);
  return (text === "" ? undefined : parse(text)) as T;
}

/** The JSON values of a body, one a line, as they come. Leaving the loop early closes the connection. */
export async function* jsonLines<T>(response: HttpResponse): AsyncIterableIterator<T> {
  const decoder = new TextDecoder();
  let rest = "";
  try {
    for await (const chunk of response) {
      const lines = (rest + decoder.decode(chunk as Buffer, { stream: true })).split("\n");
      rest = lines.pop()!;
      for (const line of lines) if (line.trim() !== "") yield parse(line) as T;
    }
  } finally {
    response.destroy();
  }
  if (rest.trim() !== "") yield parse(rest) as T;
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw corrupt("the daemon's answer is not valid JSON", { cause });
  }
}
