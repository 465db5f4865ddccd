import type { Context } from "./context.ts";
import { throwAll } from "./failure.ts";

/** What Docker does with several names at most at once. */
const width = 50;

/**
 * Does something with each name, many at once, and prints those that it was done with in the order given. Throws every
 * failure together at the end. A name whose act gave false is not printed.
 */
export async function forEachName(
  context: Context,
  names: readonly string[],
  act: (name: string) => Promise<unknown>,
): Promise<void> {
  const errors: unknown[] = [];
  for (let at = 0; at < names.length; at += width) {
    const group = names.slice(at, at + width);
    const results = await Promise.allSettled(group.map((name) => act(name)));
    results.forEach((result, index) => {
      if (result.status === "rejected") errors.push(result.reason);
      else if (result.value !== false) context.print(`${group[index]}\n`);
    });
  }
  throwAll(errors);
}

/** As {@link forEachName}, one after another: each name is printed as soon as it is done. */
export async function forEachInTurn(
  context: Context,
  names: readonly string[],
  act: (name: string) => Promise<unknown>,
): Promise<void> {
  const errors: unknown[] = [];
  for (const name of names) {
    try {
      await act(name);
      context.print(`${name}\n`);
    } catch (error) {
      errors.push(error);
    }
  }
  throwAll(errors);
}
