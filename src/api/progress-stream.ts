/**
 * The lines that `work` puts, as they come, ending when it has ended or throwing what it threw. A line put under a key
 * takes the place of one of the same key that still waits, so that a slow reader neither slows the work nor fills the
 * memory.
 */
export async function* withProgress<T>(
  work: (put: (line: T, key?: string) => void) => Promise<void>,
): AsyncIterableIterator<T> {
  const waiting: Array<{ line: T; readonly key: string | undefined }> = [];
  let wake = (): void => {};
  let done = false;
  const put = (line: T, key?: string): void => {
    const old = key === undefined ? undefined : waiting.find((one) => one.key === key);
    if (old) old.line = line;
    else waiting.push({ line, key });
    wake();
  };
  const ended = work(put).finally(() => {
    done = true;
    wake();
  });
  ended.catch(() => {});
  while (true) {
    const next = waiting.shift();
    if (next) yield next.line;
    else if (done) break;
    else
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
  }
  await ended;
}
