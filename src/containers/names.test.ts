import assert from "node:assert/strict";
import { test } from "node:test";
import { randomName } from "./names.ts";
import { validateName } from "./validate.ts";

test("a random name is one of two words that can be a name", () => {
  const names = new Set(Array.from({ length: 200 }, () => randomName(() => false)));
  assert.ok(names.size > 150);
  for (const name of names) assert.match(validateName(name), /^[a-z]+_[a-z]+$/);
});

test("taken names get a number, and all taken is an error", () => {
  assert.match(
    randomName((name) => !/\d/.test(name)),
    /^[a-z]+_[a-z]+\d+$/,
  );
  assert.throws(() => randomName(() => true), { kind: "exhausted" });
});
