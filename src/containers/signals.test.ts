import assert from "node:assert/strict";
import { constants } from "node:os";
import { test } from "node:test";
import { parseSignal, signalName } from "./signals.ts";

test("every signal of this machine, in each way to write it", () => {
  for (const [name, number] of Object.entries(constants.signals)) {
    for (const text of [name, name.slice(3), name.toLowerCase(), String(number)])
      assert.equal(parseSignal(text), number);
    assert.equal(parseSignal(signalName(number)), number);
  }
});

test("real-time signals", () => {
  const cases: Readonly<Record<string, number>> = {
    RTMIN: 34,
    SIGRTMAX: 64,
    "RTMIN+15": 49,
    "sigrtmax-14": 50,
    40: 40,
  };
  for (const [text, number] of Object.entries(cases)) assert.equal(parseSignal(text), number);
  assert.equal(signalName(34), "SIGRTMIN");
  assert.equal(signalName(37), "SIGRTMIN+3");
});

test("what is no signal", () => {
  for (const bad of ["X", "0", "65", "-1", "", "SIG", "RTMIN-1", "RTMAX+1", "RTMIN+31", "1.5", "toString", "9 "])
    assert.throws(() => parseSignal(bad), { kind: "invalid", message: `invalid signal: ${bad}` });
});
