import { isKind } from "../base/errors.ts";
import { Operation } from "../base/operation.ts";
import type { Container, StopOptions } from "./containers.ts";
import { type Context, emit } from "./context.ts";
import { startContainer } from "./start.ts";
import { stopContainer } from "./stop.ts";

/**
 * Stops a container where it runs, and starts it. As in Docker, a caller that leaves does not cut it in the middle, and
 * `--rm` does not take the container away in between.
 */
export async function restartContainer(context: Context, container: Container, options: StopOptions): Promise<void> {
  const { id } = container;
  context.kept.add(id);
  try {
    await stopContainer(context, container, options).catch((error) => {
      if (!isKind(error, "notModified")) throw error;
    });
    const op = Operation.background(`restart ${id}`);
    await context.queue.run(id, () => startContainer(context, op, id, { byUser: true }));
  } finally {
    context.kept.delete(id);
  }
  emit(context, context.records.find(id) ?? container, "restart");
}
