import { main } from "./main.ts";

export { main };

/** Runs this process's command line, and ends the process with its exit code. */
export async function runProcess(): Promise<never> {
  const code = await main(process.argv.slice(2));
  await Promise.all([process.stdout, process.stderr].map(flushed));
  // Left to itself, Node closes what is open and takes its heap apart: several milliseconds, of use to nobody.
  process.exit(code);
}

/** Resolves once everything that was written is with the kernel, or cannot be. */
async function flushed(stream: NodeJS.WriteStream): Promise<void> {
  if (stream.writableLength > 0) await new Promise<void>((resolve) => stream.write("", () => resolve()));
}
