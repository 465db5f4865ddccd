import { isKind } from "../base/errors.ts";
import type { Container } from "./containers.ts";
import type { Context } from "./context.ts";

/** Bytes of a container's own changes, and of those with its image. */
export async function sizeOf(
  context: Context,
  container: Container,
): Promise<{ readonly rw: number; readonly rootFs: number }> {
  const rw = await context.snapshots.usage(container.id);
  return { rw, rootFs: rw + imageSize(context, container) };
}

function imageSize(context: Context, container: Container): number {
  try {
    return context.images.resolve(container.image).size;
  } catch (error) {
    // The image was removed by force; its layers live on beneath the container.
    if (isKind(error, "notFound")) return 0;
    throw error;
  }
}
