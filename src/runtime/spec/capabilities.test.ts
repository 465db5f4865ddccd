import assert from "node:assert/strict";
import { test } from "node:test";
import { allCapabilities, boundingCapabilities, defaultCapabilities, effectiveCapabilities } from "./capabilities.ts";

const cases: ReadonlyArray<[add: string[], drop: string[], expected: (names: readonly string[]) => boolean]> = [
  [[], [], (set) => set.length === 14 && set[0] === "CAP_CHOWN"],
  [["net_admin"], [], (set) => set.length === 15 && set.includes("CAP_NET_ADMIN")],
  [["CAP_NET_ADMIN", "NET_ADMIN"], [], (set) => set.length === 15],
  [["chown"], [], (set) => set.length === 14],
  [[], ["chown"], (set) => set.length === 13 && !set.includes("CAP_CHOWN")],
  [["chown"], ["chown"], (set) => set.includes("CAP_CHOWN")],
  [[], ["ALL"], (set) => set.length === 0],
  [["kill"], ["all"], (set) => set.join() === "CAP_KILL"],
  [["ALL"], [], (set) => set.length === allCapabilities.length],
  [["ALL"], ["sys_admin"], (set) => set.length === allCapabilities.length - 1 && !set.includes("CAP_SYS_ADMIN")],
];

for (const [add, drop, expected] of cases)
  test(`--cap-add ${add} --cap-drop ${drop}`, () => assert.ok(expected(effectiveCapabilities({ add, drop }))));

test("an unknown capability is refused by its full name", () => {
  const message = (name: string): string => `invalid CapAdd: unknown capability: "${name}"`;
  assert.throws(() => effectiveCapabilities({ add: ["foo"] }), { kind: "invalid", message: message("CAP_FOO") });
  assert.throws(() => effectiveCapabilities({ add: ["CAP_ALL"] }), { message: message("CAP_ALL") });
  assert.throws(() => effectiveCapabilities({ add: ["ALL", ""] }), { message: message("CAP_") });
  assert.throws(() => effectiveCapabilities({ drop: ["x"] }), {
    message: 'invalid CapDrop: unknown capability: "CAP_X"',
  });
});

test("no container is given what the engine does not have", () => {
  const available = boundingCapabilities("Name:\tx\nCapBnd:\t00000000000000fe\n");
  assert.ok(!available.includes("CAP_CHOWN") && available.includes("CAP_KILL"));
  assert.equal(available.length, 7);
  assert.ok(!effectiveCapabilities({}, available).includes("CAP_CHOWN"));
  assert.ok(!effectiveCapabilities({ add: ["chown"] }, available).includes("CAP_CHOWN"));
  assert.deepEqual(effectiveCapabilities({ privileged: true }, available), available);
  assert.equal(effectiveCapabilities({}), defaultCapabilities);
});
