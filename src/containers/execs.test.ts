import assert from "node:assert/strict";
import { test } from "node:test";
import { isKind } from "../base/errors.ts";
import { Execs } from "./execs.ts";
import { sampleExec } from "./testing/samples.ts";

const id = (start: string): string => start.padEnd(64, "0");

test("an exec is found by its ID and by a prefix of it alone", () => {
  const execs = new Execs();
  const one = sampleExec({ id: id("abc1") });
  execs.add(one);
  execs.add(sampleExec({ id: id("abc2") }));
  assert.equal(execs.get(one.id), one);
  assert.equal(execs.get("abc1"), one);
  for (const unknown of ["abc", "nope", "", id("abc3")])
    assert.throws(
      () => execs.get(unknown),
      (error) => isKind(error, "notFound") && error.message === `No such exec instance: ${unknown}`,
    );
});

test("those of a container are active until they have ended", () => {
  const execs = new Execs();
  const mine = [sampleExec({ containerId: "a" }), sampleExec({ containerId: "a" })];
  for (const exec of [...mine, sampleExec({ containerId: "b" })]) execs.add(exec);
  assert.deepEqual(
    execs.activeOf("a"),
    mine.map(({ id }) => id),
  );
  execs.update(mine[0]!.id, { running: true, pid: 7 });
  assert.equal(execs.isRunning(mine[0]!.id), true);
  assert.equal(execs.isRunning(mine[1]!.id), false);
  execs.update(mine[0]!.id, { running: false, exitCode: 0 });
  assert.deepEqual(execs.activeOf("a"), [mine[1]!.id]);
  const { exitCode, pid } = execs.get(mine[0]!.id);
  assert.deepEqual([exitCode, pid], [0, 7]);
});

test("they go with their container, and a late word about one is no error", () => {
  const execs = new Execs();
  const exec = sampleExec({ containerId: "a" });
  execs.add(exec);
  execs.drop("a");
  assert.throws(() => execs.get(exec.id), /No such exec instance/);
  execs.update(exec.id, { exitCode: 1 });
  assert.throws(() => execs.get(exec.id), /No such exec instance/);
  assert.equal(execs.isRunning(exec.id), false);
});

test("an ended one can be asked for during five minutes", (t) => {
  let now = 1000;
  t.mock.method(performance, "now", () => now);
  const execs = new Execs();
  const [ended, active] = [sampleExec(), sampleExec()];
  for (const exec of [ended, active]) execs.add(exec);
  execs.update(ended.id, { exitCode: 0 });
  now += 5 * 60_000;
  execs.add(sampleExec());
  assert.equal(execs.get(ended.id).exitCode, 0);
  now += 1;
  execs.add(sampleExec());
  assert.throws(() => execs.get(ended.id), /No such exec instance/);
  assert.equal(execs.get(active.id), active);
});
