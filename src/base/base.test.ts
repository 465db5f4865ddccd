import assert from "node:assert/strict";
import { once } from "node:events";
import { test } from "node:test";
import { exhausted, isKind, withKind } from "./errors.ts";
import { EventBus } from "./events.ts";
import { createLogger } from "./log.ts";
import { Operation } from "./operation.ts";
import { KeyedQueue } from "./queue.ts";
import { formatNano, nowNano, parseNano } from "./time.ts";
import { settleAll, withUndo } from "./undo.ts";
import { parseBytes } from "./units.ts";

test("undo runs backwards, gives every step its chance, and keeps the first error", async () => {
  const done: string[] = [];
  const failures: unknown[] = [];
  const run = withUndo(
    async (step) => {
      await step(
        () => "a",
        (made) => done.push(`undo ${made}`),
      );
      await step(
        () => "b",
        () => {
          throw new Error("undo of b failed");
        },
      );
      await step(() => {
        throw exhausted("no room");
      });
    },
    (error) => failures.push(error),
  );
  await assert.rejects(run, (error) => isKind(error, "exhausted"));
  assert.deepEqual(done, ["undo a"]);
  assert.equal(failures.length, 1);
});

test("settleAll throws only when every promise has settled", async () => {
  const late = Promise.withResolvers<string>();
  let settled = false;
  const all = settleAll([Promise.reject(new Error("early")), late.promise.then(() => (settled = true))]);
  late.resolve("late");
  await assert.rejects(all, /early/);
  assert.equal(settled, true);
});

test("a queue keeps the order of one key, lets others pass, and outlives failures", async () => {
  const queue = new KeyedQueue();
  const order: string[] = [];
  const gate = Promise.withResolvers<void>();
  const first = queue.run("x", async () => {
    await gate.promise;
    order.push("x1");
    throw new Error("x1 fails");
  });
  const second = queue.run("x", async () => order.push("x2"));
  await queue.run("y", async () => order.push("y"));
  gate.resolve();
  await assert.rejects(first, /x1 fails/);
  await second;
  await queue.idle();
  assert.deepEqual(order, ["y", "x1", "x2"]);
  assert.deepEqual(queue.keys(), []);
});

test("events keep their order, replay from a time, and are bounded", () => {
  const bus = new EventBus(3);
  const seen: string[] = [];
  const stop = bus.listen(({ action }) => seen.push(action));
  for (const action of ["a", "b", "c", "d"]) bus.emit("container", action, "id");
  stop();
  bus.emit("container", "e", "id");
  assert.deepEqual(seen, ["a", "b", "c", "d"]);
  const kept = bus.replay();
  assert.deepEqual(
    kept.map(({ action }) => action),
    ["c", "d", "e"],
  );
  assert.ok(kept.every(({ timeNano }, index) => index === 0 || timeNano > kept[index - 1]!.timeNano));
  assert.equal(bus.replay(kept[2]!.timeNano).length, 1);
});

test("times survive formatting and parsing, to the nanosecond", () => {
  assert.equal(formatNano(1_700_000_000_123_456_789n), "2023-11-14T22:13:20.123456789Z");
  assert.equal(formatNano(1_700_000_000_500_000_000n), "2023-11-14T22:13:20.5Z");
  assert.equal(formatNano(1_700_000_000_000_000_000n), "2023-11-14T22:13:20Z");
  assert.equal(parseNano("2023-11-14T22:13:20.123456789Z"), 1_700_000_000_123_456_789n);
  assert.equal(parseNano("2023-11-14T23:13:20+01:00"), 1_700_000_000_000_000_000n);
  assert.equal(parseNano("yesterday"), undefined);
});

test("sizes are powers of 1024", () => {
  assert.equal(parseBytes("64m"), 64 << 20);
  assert.equal(parseBytes("1.5GiB"), 1.5 * 1024 ** 3);
  assert.equal(parseBytes("10 kB"), 10240);
  assert.equal(parseBytes("-1"), -1);
  assert.throws(() => parseBytes("10 boxes"), /invalid size: '10 boxes'/);
});

test("an operation that was aborted says so by kind", async () => {
  const controller = new AbortController();
  const op = new Operation("pull x", controller.signal);
  op.check();
  controller.abort();
  assert.throws(
    () => op.check(),
    (error) => isKind(error, "cancelled"),
  );
  const short = Operation.background("wait").within(1);
  await new Promise((resolve) => short.signal.addEventListener("abort", resolve));
  assert.throws(
    () => short.check(),
    (error) => isKind(error, "deadline"),
  );
});

test("a full disk is exhausted, whatever threw it", () => {
  const full = Object.assign(new Error("write"), { code: "ENOSPC" });
  assert.ok(isKind(withKind(full), "exhausted"));
  assert.ok(isKind(withKind(new Error("?")), "system"));
});

test("a logger drops what is below its level and quotes what needs it", () => {
  const lines: string[] = [];
  const log = createLogger("warn", (line) => lines.push(line));
  log.info("quiet");
  log.warn("two words", { id: "abc", error: new Error("a b") });
  assert.equal(lines.length, 1);
  assert.match(lines[0]!, /level=warn msg="two words" id=abc error="a b"\n$/);
});

test("a listener's mistake reaches neither the one who reports nor the other listeners", async () => {
  const bus = new EventBus();
  const heard: string[] = [];
  bus.listen(() => {
    throw new Error("a listener's mistake");
  });
  bus.listen(({ action }) => heard.push(action));
  const warned = once(process, "warning");
  bus.emit("container", "die", "x");
  assert.deepEqual(heard, ["die"]);
  assert.match(String((await warned)[0]), /a listener's mistake/);
});

test("the time follows the wall clock where that is set, and has microseconds else", (t) => {
  const near = (milliseconds: number): void =>
    assert.ok(Math.abs(Number(nowNano() / 1_000_000n) - milliseconds) <= 6, String(milliseconds));
  const real = Date.now;
  near(real());
  const hour = 3_600_000;
  const clock = t.mock.method(Date, "now", () => real() + hour);
  near(real() + hour);
  clock.mock.restore();
  near(real());
  assert.equal(nowNano() % 1000n, 0n);
});
