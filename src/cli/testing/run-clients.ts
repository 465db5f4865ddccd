import { execFile, execFileSync } from "node:child_process";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import type { Streams } from "../context.ts";
import { main } from "../main.ts";
import { type Answers, type SeenRequest, startFakeEngine } from "./fake-engine.ts";

export interface Outcome {
  readonly stdout: string;
  readonly stderr: string;
  readonly code: number;
  readonly seen: readonly SeenRequest[];
}

/** Why the real client cannot be compared with; undefined where it can. */
export function whyNoDocker(): string | undefined {
  try {
    const version = execFileSync("docker", ["--version"], { encoding: "utf8" });
    return /version (2[89]|[3-9]\d)\./.test(version)
      ? undefined
      : `needs the docker client 28 or newer: ${version.trim()}`;
  } catch {
    return "there is no docker client on the PATH";
  }
}

/** Runs our command line in this process against an engine that gives these answers. */
export async function runKeelson(args: readonly string[], answers: Answers, input = ""): Promise<Outcome> {
  await using engine = await startFakeEngine(answers);
  return { ...(await runMain(["-H", engine.host, ...args], input)), seen: engine.seen };
}

/** Runs our command line in this process. */
export async function runMain(args: readonly string[], input = ""): Promise<Omit<Outcome, "seen">> {
  const [stdin, stdout, stderr] = [new PassThrough(), new PassThrough(), new PassThrough()];
  const [out, err] = [collect(stdout), collect(stderr)];
  stdin.end(input);
  const code = await main(args, { stdin, stdout, stderr } as unknown as Streams);
  stdout.end();
  stderr.end();
  return { stdout: await out, stderr: await err, code };
}

async function collect(stream: PassThrough): Promise<string> {
  let text = "";
  for await (const chunk of stream) text += chunk;
  return text;
}

/** Runs Docker's client against an engine that gives these answers. */
export async function runDocker(args: readonly string[], answers: Answers, input = ""): Promise<Outcome> {
  await using engine = await startFakeEngine(answers);
  return await new Promise((resolve) => {
    const child = execFile(
      "docker",
      args as string[],
      { env: { ...process.env, DOCKER_HOST: engine.host, DOCKER_CONFIG: join(tmpdir(), "no-docker-config") } },
      (error, stdout, stderr) => {
        resolve({ stdout, stderr, code: Number(error?.code ?? 0), seen: engine.seen });
      },
    );
    // It may be gone before it has read anything.
    child.stdin!.on("error", () => {});
    child.stdin!.end(input);
  });
}
