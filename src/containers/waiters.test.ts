import assert from "node:assert/strict";
import { getEventListeners } from "node:events";
import { test } from "node:test";
import { isKind, unavailable } from "../base/errors.ts";
import { Operation } from "../base/operation.ts";
import { Waiters } from "./waiters.ts";

const op = Operation.background("wait");

test("an exit wakes those who wait for one, and only those of its container", async () => {
  const waiters = new Waiters();
  const woken: string[] = [];
  const note = (name: string, wait: Promise<{ readonly exitCode: number }>) =>
    wait.then(({ exitCode }) => woken.push(`${name} ${exitCode}`));
  const first = note("not-running", waiters.wait(op, "a", "not-running"));
  const second = note("next-exit", waiters.wait(op, "a", "next-exit"));
  const removed = note("removed", waiters.wait(op, "a", "removed"));
  const other = note("other", waiters.wait(op, "b", "not-running"));
  waiters.exited("a", { exitCode: 3 });
  await Promise.all([first, second]);
  assert.deepEqual(woken, ["not-running 3", "next-exit 3"]);
  waiters.removed("a", { exitCode: 3 });
  await removed;
  waiters.exited("b", { exitCode: 4 });
  await other;
  assert.deepEqual(woken.slice(2), ["removed 3", "other 4"]);
});

test("a removal wakes those who wait for an exit, too, and carries its error", async () => {
  const waiters = new Waiters();
  const waits = [waiters.wait(op, "a", "next-exit"), waiters.wait(op, "a", "removed")];
  waiters.removed("a", { exitCode: 1, error: "why" });
  assert.deepEqual(await Promise.all(waits), [
    { exitCode: 1, error: "why" },
    { exitCode: 1, error: "why" },
  ]);
});

test("one who leaves is forgotten, and leaves no listener; the others wait on", async () => {
  const waiters = new Waiters();
  const caller = new AbortController();
  const leaving = waiters.wait(new Operation("wait", caller.signal), "a", "not-running");
  const staying = waiters.wait(op, "a", "not-running");
  caller.abort();
  await assert.rejects(leaving, (error) => isKind(error, "cancelled"));
  assert.equal(getEventListeners(caller.signal, "abort").length, 0);
  waiters.exited("a", { exitCode: 0 });
  assert.deepEqual(await staying, { exitCode: 0 });
});

test("who has left already does not begin to wait", async () => {
  const wait = new Waiters().wait(new Operation("wait", AbortSignal.abort()), "a", "removed");
  await assert.rejects(wait, (error) => isKind(error, "cancelled"));
});

test("one who was woken leaves no listener", async () => {
  const waiters = new Waiters();
  const caller = new AbortController();
  const wait = waiters.wait(new Operation("wait", caller.signal), "a", "not-running");
  assert.equal(getEventListeners(caller.signal, "abort").length, 1);
  waiters.exited("a", { exitCode: 0 });
  await wait;
  assert.equal(getEventListeners(caller.signal, "abort").length, 0);
});

test("closing rejects all of them", async () => {
  const waiters = new Waiters();
  const waits = [waiters.wait(op, "a", "not-running"), waiters.wait(op, "b", "removed")];
  waiters.close(unavailable("closed"));
  for (const result of await Promise.allSettled(waits)) assert.equal(result.status, "rejected");
});
