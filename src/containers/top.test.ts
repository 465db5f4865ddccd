import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { test } from "node:test";
import { isKind } from "../base/errors.ts";
import { createdState, sampleContainer } from "./testing/samples.ts";
import { topContainer } from "./top.ts";

/** A container whose first process is `pid`, which is not in a cgroup of its own: the others there show as well. */
const containerOf = (pid: number) => sampleContainer({ state: { ...createdState, status: "running", pid } });

async function withProcess(body: (pid: number) => Promise<void>): Promise<void> {
  const child: ChildProcess = spawn("sleep", ["987654"], { stdio: "ignore" });
  try {
    await once(child, "spawn");
    await body(child.pid!);
  } finally {
    child.kill("SIGKILL");
    await once(child, "exit");
  }
}

test("titles and rows are ps's, and the command is whole", () =>
  withProcess(async (pid) => {
    const { titles, processes } = await topContainer(containerOf(pid));
    assert.deepEqual(titles, ["UID", "PID", "PPID", "C", "STIME", "TTY", "TIME", "CMD"]);
    const row = processes.find(([, own]) => own === String(pid));
    assert.equal(row?.at(-1), "sleep 987654");
    for (const one of processes) assert.equal(one.length, titles.length);
  }));

test("the columns can be chosen, as long as the PID is among them", () =>
  withProcess(async (pid) => {
    const { titles, processes } = await topContainer(containerOf(pid), "-eo pid,args");
    assert.deepEqual(titles, ["PID", "COMMAND"]);
    assert.ok(processes.some((row) => row[0] === String(pid) && row[1] === "sleep 987654"));
    assert.deepEqual(
      (await topContainer(containerOf(pid), "-eo pid=PID,args")).titles,
      ["PID", "args".toUpperCase()].map((title) => (title === "ARGS" ? "COMMAND" : title)),
    );
    await assert.rejects(
      topContainer(containerOf(pid), "-eo args"),
      (error) => isKind(error) && error.message === "Couldn't find PID field in ps output",
    );
  }));

for (const args of ["-eo comm=PID", "-eo comm=PID,pid=X", "-e -o pid,comm=PID", "-eo comm= PID"])
  test(`no other column may be called PID: ${args}`, async () => {
    await assert.rejects(
      topContainer(containerOf(process.pid), args),
      (error) => isKind(error, "invalid") && error.message.includes("is not allowed"),
    );
  });

test("what ps refuses is refused with its words", async () => {
  await assert.rejects(
    topContainer(containerOf(process.pid), "--no-such-option"),
    (error) => isKind(error, "invalid") && error.message.startsWith("ps: "),
  );
});

test("a container that does not run has no processes to show", async () => {
  await assert.rejects(topContainer(sampleContainer()), (error) => isKind(error, "conflict"));
});
