import { withKind } from "./errors.ts";

type Undo = () => unknown;

/**
 * A list of steps, each with its undo. Where a step fails, what was done before is undone in reverse order and the
 * step's error is thrown; errors of undos are handed to `onUndoError`, for `reconcile()` mends what they leave.
 *
 * ```ts
 * await withUndo(async (step) => {
 *   const dir = await step(() => mkdir(path), () => rm(path));
 *   await step(() => mount(dir), () => unmount(dir));
 * });
 * ```
 */
export async function withUndo<T>(
  body: (step: <S>(act: () => S | Promise<S>, undo?: (made: S) => unknown) => Promise<S>) => Promise<T>,
  onUndoError: (error: unknown) => void = () => {},
): Promise<T> {
  const undos: Undo[] = [];
  const step = async <S>(act: () => S | Promise<S>, undo?: (made: S) => unknown): Promise<S> => {
    const made = await act();
    if (undo) undos.push(() => undo(made));
    return made;
  };
  try {
    return await body(step);
  } catch (error) {
    for (const undo of undos.reverse()) {
      try {
        await undo();
      } catch (undoError) {
        onUndoError(undoError);
      }
    }
    throw withKind(error);
  }
}

/**
 * Waits for every promise and then, where some were rejected, throws the first rejection. For steps that run side by
 * side: an undo must not begin while one of them is still at work.
 */
export async function settleAll<T extends readonly unknown[]>(
  promises: readonly [...{ [K in keyof T]: Promise<T[K]> }],
): Promise<T> {
  const results = await Promise.allSettled(promises);
  for (const result of results) if (result.status === "rejected") throw result.reason;
  return results.map((result) => (result as PromiseFulfilledResult<unknown>).value) as unknown as T;
}
