import type { Context } from "./context.ts";
import type { Flag, Flags } from "./flags.ts";

/** One command: what the help says of it, which words it takes, and what it does. One file of `commands/` each. */
export interface Command {
  /** After the command's name: `[OPTIONS] CONTAINER [CONTAINER...]`. */
  readonly usage: string;
  readonly summary: string;
  readonly flags: readonly Flag[];
  readonly args: Arity;
  /** Flags end at the first word that is none. */
  readonly stopAtFirst?: boolean;
  /** Does the work. Resolves with the exit code (0 where it says nothing); throws what is to be printed. */
  run(invocation: Invocation): Promise<number | undefined>;
}

/** One call of a command. */
export interface Invocation {
  readonly context: Context;
  readonly flags: Flags;
  readonly args: string[];
  /** The command as the user named it, `keelson container run`. */
  readonly path: string;
}

/** How many words a command takes. */
export interface Arity {
  readonly min: number;
  readonly max: number;
}

export const noArgs: Arity = { min: 0, max: 0 };
export const exactly = (count: number): Arity => ({ min: count, max: count });
export const atLeast = (count: number): Arity => ({ min: count, max: Number.POSITIVE_INFINITY });
export const between = (min: number, max: number): Arity => ({ min, max });

/** Why the number of words is wrong, in Docker's words; undefined where it is right. */
export function arityProblem(arity: Arity, count: number, path: string): string | undefined {
  if (count >= arity.min && count <= arity.max) return undefined;
  const plural = (n: number): string => `${n} argument${n === 1 ? "" : "s"}`;
  if (arity.max === 0) return `'${path}' accepts no arguments`;
  if (arity.min === arity.max) return `'${path}' requires ${plural(arity.min)}`;
  if (arity.max === Number.POSITIVE_INFINITY) return `'${path}' requires at least ${plural(arity.min)}`;
  if (arity.min === 0) return `'${path}' requires at most ${plural(arity.max)}`;
  return `'${path}' requires at least ${arity.min} and at most ${plural(arity.max)}`;
}
