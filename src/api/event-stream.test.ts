import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { isKind } from "../base/errors.ts";
import { EventBus } from "../base/events.ts";
import { nowNano } from "../base/time.ts";
import { eventStream } from "./event-stream.ts";

const options = () => ({
  since: undefined,
  until: undefined,
  replay: false,
  now: nowNano(),
  signal: new AbortController().signal,
  test: () => true,
});

/** A bus that tells how many listen. */
class CountingBus extends EventBus {
  readonly #open = new Set<object>();

  get listeners(): number {
    return this.#open.size;
  }

  override listen(...args: Parameters<EventBus["listen"]>): () => void {
    const stop = super.listen(...args);
    this.#open.add(stop);
    return () => {
      this.#open.delete(stop);
      stop();
    };
  }
}

describe("a stream of events", () => {
  it("has what happens between the request and the first read", async () => {
    const bus = new EventBus();
    const stream = eventStream(bus, options());
    bus.emit("volume", "create", "v");
    for await (const event of stream) {
      assert.equal(event.actor.id, "v");
      break;
    }
  });

  it("has no event twice, nor any that came before it", async () => {
    const bus = new EventBus();
    bus.emit("volume", "create", "old");
    const stream = eventStream(bus, { ...options(), since: 0n, replay: true });
    bus.emit("volume", "create", "new");
    const seen: string[] = [];
    for await (const { actor } of stream) {
      seen.push(actor.id);
      if (seen.length === 2) break;
    }
    assert.deepEqual(seen, ["old", "new"]);
    const fresh = eventStream(bus, options());
    bus.emit("volume", "create", "last");
    for await (const { actor } of fresh) {
      assert.equal(actor.id, "last");
      break;
    }
  });

  it("stops listening when its reader leaves, its time is up or its signal is aborted", async () => {
    const bus = new CountingBus();
    const left = eventStream(bus, options());
    bus.emit("volume", "create", "v");
    for await (const _ of left) break;
    const abort = new AbortController();
    const aborted = eventStream(bus, { ...options(), signal: abort.signal });
    const now = nowNano();
    const timed = eventStream(bus, { ...options(), now, until: now + 5_000_000n });
    assert.equal(bus.listeners, 2);
    for await (const _ of timed) assert.fail("nothing happened");
    abort.abort();
    for await (const _ of aborted) assert.fail("nothing happened");
    assert.equal(bus.listeners, 0);
  });

  it("of a reader that is far too slow ends with an error, and leaves no event out before it", async () => {
    const bus = new CountingBus();
    const stream = eventStream(bus, options());
    for (let i = 0; i < 20_000; i++) bus.emit("volume", "create", String(i));
    let read = 0;
    await assert.rejects(
      async () => {
        for await (const { actor } of stream) assert.equal(actor.id, String(read++));
      },
      (error) => isKind(error, "unavailable"),
    );
    assert.ok(read > 10_000 && read < 20_000, String(read));
    assert.equal(bus.listeners, 0);
  });
});
