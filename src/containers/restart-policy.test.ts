import assert from "node:assert/strict";
import { test } from "node:test";
import { KeyedQueue } from "../base/queue.ts";
import type { Container } from "./containers.ts";
import type { Context } from "./context.ts";
import { cancelRestart, scheduleRestart, wantsRestart } from "./restart-policy.ts";
import { sampleContainer } from "./testing/samples.ts";

function withPolicy(name: string, change: Partial<Container> & { readonly most?: number } = {}): Container {
  const { most, ...rest } = change;
  return sampleContainer({ ...rest, hostConfig: { RestartPolicy: { Name: name as "no", MaximumRetryCount: most } } });
}

for (const [name, change, codes] of [
  ["no", {}, []],
  ["", {}, []],
  ["always", {}, [0, 1, 137]],
  ["always", { stoppedByUser: true }, []],
  ["unless-stopped", {}, [0, 1, 137]],
  ["unless-stopped", { stoppedByUser: true }, []],
  ["on-failure", {}, [1, 137]],
  ["on-failure", { stoppedByUser: true }, []],
  ["on-failure", { restartCount: 1000 }, [1, 137]],
  ["on-failure", { most: 3, restartCount: 2 }, [1, 137]],
  ["on-failure", { most: 3, restartCount: 3 }, []],
] as const)
  test(`policy "${name}" ${JSON.stringify(change)} brings back after ${codes.join(", ") || "nothing"}`, () => {
    const container = withPolicy(name, change);
    assert.deepEqual(
      [0, 1, 137].filter((code) => wantsRestart(container, code)),
      codes,
    );
  });

test("a container without a policy does not come back", () => {
  assert.equal(wantsRestart(sampleContainer(), 1), false);
});

/** What the policy needs of a context. No record is known in it, so that a timer that fires starts nothing. */
function emptyContext(closing = false): Context {
  const part = {
    restarts: new Map(),
    queue: new KeyedQueue(),
    closing: () => closing,
    records: { find: () => undefined },
  };
  return part as unknown as Context;
}

/** The pause before the restart, found by letting the clock run. */
function pauseOf(context: Context, id: string, tick: (milliseconds: number) => void): number {
  let waited = 0;
  for (; context.restarts.has(id) && waited < 100_000; waited += 50) tick(50);
  return waited;
}

test("pauses double from 100 ms to a minute, and begin anew after ten seconds of running or a user's word", (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const context = emptyContext();
  const container = withPolicy("always");
  const after = (ranFor: number): number => {
    assert.equal(scheduleRestart(context, container, 1, ranFor), true);
    return pauseOf(context, container.id, (milliseconds) => t.mock.timers.tick(milliseconds));
  };
  const pauses = Array.from({ length: 12 }, () => after(9_999));
  assert.deepEqual(pauses, [100, 200, 400, 800, 1600, 3200, 6400, 12_800, 25_600, 51_200, 60_000, 60_000]);
  assert.equal(after(10_000), 100);
  assert.equal(after(0), 200);
  assert.equal(cancelRestart(context, container.id), false, "none is pending");
  assert.equal(after(0), 100);
});

test("a pending restart can be cancelled, once", (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const context = emptyContext();
  const container = withPolicy("always");
  scheduleRestart(context, container, 0, 0);
  assert.equal(cancelRestart(context, container.id), true);
  assert.equal(cancelRestart(context, container.id), false);
  assert.equal(context.restarts.size, 0);
});

test("nothing is restarted by an engine that closes, or against the policy", () => {
  assert.equal(scheduleRestart(emptyContext(true), withPolicy("always"), 1, 0), false);
  assert.equal(scheduleRestart(emptyContext(), withPolicy("no"), 1, 0), false);
});
