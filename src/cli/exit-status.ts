import type { Context } from "./context.ts";
import { Failure } from "./failure.ts";

/**
 * Begins to wait for a container's exit; what it resolves with is the exit code to come. Awaiting the call itself means
 * that the engine waits already, so that a short life is not missed.
 */
export async function watchExit(
  context: Context,
  id: string,
  condition: "next-exit" | "removed" | "not-running",
): Promise<{ readonly exited: Promise<number> }> {
  const lines = await context.client.lines("POST /containers/{id}/wait", { params: { id }, query: { condition } });
  const exited = first(lines, context);
  // Nobody listens where the start fails.
  exited.catch(() => {});
  return { exited };
}

async function first(
  lines: AsyncIterable<{ StatusCode: number; Error?: { Message: string } | null }>,
  context: Context,
): Promise<number> {
  for await (const { StatusCode, Error: error } of lines) {
    if (!error?.Message) return StatusCode;
    context.warn(`Error waiting for container: ${error.Message}\n`);
    return 125;
  }
  throw new Failure("the engine went away while the container ran", 125);
}
