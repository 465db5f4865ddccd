import assert from "node:assert/strict";
import { mock, test } from "node:test";
import { EventBus } from "../base/events.ts";
import { afterBursts } from "./quiet.ts";

test("acts once after a burst, and not again until something happens", () => {
  mock.timers.enable({ apis: ["setTimeout"] });
  try {
    const events = new EventBus();
    let acted = 0;
    const end = afterBursts(events, async () => acted++);
    mock.timers.tick(10_000);
    assert.equal(acted, 0);
    events.emit("container", "start", "a");
    mock.timers.tick(900);
    events.emit("container", "die", "a");
    mock.timers.tick(900);
    assert.equal(acted, 0);
    mock.timers.tick(200);
    assert.equal(acted, 1);
    mock.timers.tick(10_000);
    assert.equal(acted, 1);
    events.emit("container", "start", "b");
    end();
    mock.timers.tick(10_000);
    assert.equal(acted, 1);
  } finally {
    mock.timers.reset();
  }
});
