import type { IncomingMessage } from "node:http";
import { corrupt, KeelsonError, unavailable } from "../base/errors.ts";

/** The whole body as text. */
export async function readText(response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  try {
    for await (const chunk of response) chunks.push(chunk as Buffer);
  } catch (error) {
    throw cutOff(error);
  }
  return Buffer.concat(chunks).toString("utf8");
}

/** The body as JSON; undefined where there is none. */
export async function readJson<T>(response: IncomingMessage): Promise<T> {
  const text = await readText(response);
  return (text === "" ? undefined : parse(text)) as T;
}

/** The JSON values of a body, one a line, as they come. Leaving the loop early closes the connection. */
export async function* jsonLines<T>(response: IncomingMessage): AsyncIterableIterator<T> {
  const decoder = new TextDecoder();
  let rest = "";
  try {
    for await (const chunk of response) {
      const lines = (rest + decoder.decode(chunk as Buffer, { stream: true })).split("\n");
      rest = lines.pop()!;
      for (const line of lines) if (line.trim() !== "") yield parse(line) as T;
    }
  } catch (error) {
    throw cutOff(error);
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

function cutOff(error: unknown): KeelsonError {
  if (error instanceof KeelsonError) return error;
  return unavailable("unexpected EOF: the daemon closed the connection", { cause: error });
}
