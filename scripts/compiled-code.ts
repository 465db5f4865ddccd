/** What V8 makes of the command line, kept for its next starts (see cli/bundled.ts). */
import { PassThrough } from "node:stream";
import { Script } from "node:vm";
import { startFakeEngine } from "../src/cli/testing/fake-engine.ts";
import { engine } from "../src/cli/testing/fixtures.ts";

const id = "a".repeat(64);

const answers = {
  ...engine,
  "POST /containers/create": { Id: id, Warnings: [] },
  [`POST /containers/${id}/attach`]: "",
  [`POST /containers/${id}/wait`]: { StatusCode: 0 },
  [`POST /containers/${id}/start`]: "",
  [`GET /containers/${id}/json`]: { Id: id, Config: { Tty: false } },
  [`GET /containers/${id}/logs`]: "",
  [`POST /containers/${id}/exec`]: { Id: "e" },
  "POST /exec/e/start": "",
  "GET /exec/e/json": { ExitCode: 0 },
};

/** Commands that are called often: their functions are in the code, and others are compiled when they are needed. */
const commands = [
  "ps -a",
  "images",
  "run --rm -i --name n -e A=b -v /a:/b -p 8080:80 --network none busybox sh -c true",
  "run -d busybox",
  `exec -i ${id} sh -c true`,
  `logs ${id}`,
  "version",
];

/** The code of a script that gives the command line, with the functions that these commands call. */
export async function compiledCode(source: string, filename: string): Promise<Buffer> {
  const script = new Script(source, { filename });
  const { main } = script.runInThisContext() as typeof import("../src/cli/run-process.ts");
  await using fake = await startFakeEngine(answers);
  for (const command of commands) {
    const [stdin, stdout, stderr] = [new PassThrough(), new PassThrough(), new PassThrough()];
    stdin.end();
    stdout.resume();
    stderr.resume();
    // Only what it calls is of interest.
    await main(["-H", fake.host, ...command.split(" ")], { stdin, stdout, stderr } as never);
  }
  return script.createCachedData();
}
