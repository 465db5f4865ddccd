import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { after, before, describe, test } from "node:test";
import { poll } from "../poll.ts";
import { clientProgram, openTarget, type Target } from "./target.ts";

let target: Target;
before(async () => {
  target = await openTarget();
});
after(() => target?.[Symbol.asyncDispose]());

/** The docker client in a terminal of its own (script(1)), so that it is as interactive as a person's. */
class Terminal {
  readonly child: ChildProcess;
  screen = "";
  readonly #exited: Promise<number>;

  constructor(command: string) {
    const env = { ...process.env, DOCKER_HOST: `unix://${target.socket}`, SHELL: "/bin/sh", TERM: "xterm" };
    this.child = spawn("script", ["-qfec", `stty rows 33 cols 101; ${command}`, "/dev/null"], { env });
    this.child.stdout!.on("data", (chunk: Buffer) => {
      this.screen += chunk.toString();
    });
    this.#exited = once(this.child, "exit").then(([code]) => code as number);
  }

  type(text: string): void {
    this.child.stdin!.write(text);
  }

  shows(pattern: RegExp): Promise<boolean> {
    return poll(
      `the terminal shows ${pattern}, not ${JSON.stringify(this.screen.slice(-300))}`,
      () => pattern.test(this.screen),
      15_000,
    );
  }

  code(): Promise<number> {
    return this.#exited;
  }
}

describe("terminals", () => {
  test("run -it is a real terminal of the client's size", async () => {
    const terminal = new Terminal(`${clientProgram} run --rm -it busybox sh`);
    await terminal.shows(/# /);
    terminal.type("tty; stty size; test -t 0 && echo inter''active\n");
    await terminal.shows(/\/dev\/pts\/0[\s\S]*33 101[\s\S]*interactive/);
    terminal.type("exit 4\n");
    assert.equal(await terminal.code(), 4);
  });

  test("the detach keys leave the container running, attach comes back", async () => {
    const first = new Terminal(`${clientProgram} run -it --name detached busybox sh`);
    await first.shows(/# /);
    first.type("echo be''fore\n");
    await first.shows(/before/);
    first.type("\x10\x11");
    assert.equal(await first.code(), 0);
    assert.equal((await target.docker(["inspect", "-f", "{{.State.Status}}", "detached"])).stdout, "running\n");
    const second = new Terminal(`${clientProgram} attach detached`);
    second.type("echo af''ter\n");
    await second.shows(/after/);
    second.type("exit 6\n");
    assert.equal(await second.code(), 6);
    await target.docker(["rm", "detached"]);
  });

  test("exec -it has a terminal and an exit code of its own", async () => {
    await target.docker(["run", "-d", "--name", "execed", "busybox", "sleep", "1000"]);
    const terminal = new Terminal(`${clientProgram} exec -it execed sh`);
    await terminal.shows(/# /);
    terminal.type("stty size; exit 9\n");
    await terminal.shows(/33 101/);
    assert.equal(await terminal.code(), 9);
    await target.docker(["rm", "-f", "execed"]);
  });

  test("Ctrl-C reaches the process through the terminal", async () => {
    const terminal = new Terminal(
      `${clientProgram} run --rm -it busybox sh -c 'trap "echo caught; exit 3" INT; echo ready; while true; do sleep 0.1; done'`,
    );
    await terminal.shows(/ready/);
    terminal.type("\x03");
    await terminal.shows(/caught/);
    assert.equal(await terminal.code(), 3);
  });

  test("a client that is killed leaves its container running and nothing open", async () => {
    await target.docker(["run", "-dit", "--name", "abandoned", "busybox", "sh"]);
    const terminal = new Terminal(`exec ${clientProgram} attach abandoned`);
    terminal.type("echo he''re\n");
    await terminal.shows(/here/);
    terminal.child.kill("SIGKILL");
    await terminal.code();
    assert.equal((await target.docker(["inspect", "-f", "{{.State.Status}}", "abandoned"])).stdout, "running\n");
    await target.docker(["rm", "-f", "abandoned"]);
  });
});
