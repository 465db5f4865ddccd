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
  [`POST /containers/${id}/stop`]: "",
  [`DELETE /containers/${id}`]: "",
  [`GET /containers/${id}/json`]: { Id: id, Config: { Tty: false } },
  [`GET /containers/${id}/logs`]: "",
  [`POST /containers/${id}/exec`]: { Id: "e" },
  "POST /exec/e/start": "",
  "GET /exec/e/json": { ExitCode: 0 },
};

/**
 * Commands that are called often: each has code of its own, with the functions that it calls. All functions for all of
 * them would take longer to read than what a command lacks takes to compile.
 */
const commands: Readonly<Record<string, string>> = {
  ps: "ps -a",
  images: "images",
  run: "run --rm -i --name n -e A=b -v /a:/b -p 8080:80 --network none busybox sh -c true",
  exec: `exec -i ${id} sh -c true`,
  logs: `logs ${id}`,
  inspect: `inspect ${id}`,
  start: `start ${id}`,
  stop: `stop ${id}`,
  rm: `rm -f ${id}`,
};

/** The code of a script that gives the command line, by command; `any` is for those that have none of their own. */
export async function compiledCode(source: string): Promise<ReadonlyMap<string, Buffer>> {
  await using fake = await startFakeEngine(answers);
  const code = new Map<string, Buffer>();
  code.set("any", await codeOf(source, "any", "--version", fake.host));
  for (const [name, words] of Object.entries(commands)) code.set(name, await codeOf(source, name, words, fake.host));
  return code;
}

async function codeOf(source: string, name: string, words: string, host: string): Promise<Buffer> {
  // V8 shares what it has compiled between scripts of the same name.
  const script = new Script(source, { filename: `${name}.js` });
  const { main } = script.runInThisContext() as typeof import("../src/cli/run-process.ts");
  const [stdin, stdout, stderr] = [new PassThrough(), new PassThrough(), new PassThrough()];
  stdin.end();
  stdout.resume();
  let complaint = "";
  stderr.on("data", (bytes) => {
    complaint += bytes;
  });
  const status = await main(["-H", host, ...words.split(" ")], { stdin, stdout, stderr } as never);
  if (status !== 0) throw new Error(`${words}: ${status} ${complaint}`);
  return script.createCachedData();
}
