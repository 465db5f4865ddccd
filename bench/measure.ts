/** Milliseconds that `body` takes. */
export async function timed(body: () => Promise<unknown>): Promise<number> {
  const started = performance.now();
  await body();
  return performance.now() - started;
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

export interface Pair {
  /** Medians in milliseconds. */
  readonly ours: number;
  readonly theirs: number;
  /** The median of the ratios of neighbouring runs, which a drift of the machine's speed leaves alone. */
  readonly ratio: number;
}

/** Runs both in turn, ours and theirs, after one run of each that does not count. */
export async function alternate(
  runs: number,
  ours: () => Promise<unknown>,
  theirs: () => Promise<unknown>,
): Promise<Pair> {
  await ours();
  await theirs();
  const pairs: Array<readonly [number, number]> = [];
  for (let run = 0; run < runs; run++) pairs.push([await timed(ours), await timed(theirs)]);
  return {
    ours: median(pairs.map(([a]) => a)),
    theirs: median(pairs.map(([, b]) => b)),
    ratio: median(pairs.map(([a, b]) => a / b)),
  };
}
