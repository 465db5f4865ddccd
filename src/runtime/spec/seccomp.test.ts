import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import dockerSeccomp from "../testing/docker-28-seccomp.json" with { type: "json" };
import { defaultCapabilities } from "./capabilities.ts";
import { compileSeccomp, type OciSeccomp } from "./seccomp.ts";

const target = { arch: "x64", kernel: [6, 18] } as const;

/** Long lists of names as the fixture has them; without `socket`, whose rules our newer profile has changed. */
function level({ syscalls = [], ...rest }: OciSeccomp): object {
  const short = (names: readonly string[] = []): readonly string[] =>
    names.length <= 20
      ? names
      : [
          `sha256:${createHash("sha256")
            .update([...names].sort().join("\n"))
            .digest("hex")}`,
        ];
  const rules = syscalls
    .map((rule) => ({ ...rule, names: short(rule.names ?? []) }))
    .filter(({ names }) => names[0] !== "socket");
  return JSON.parse(JSON.stringify({ ...rest, syscalls: rules }));
}

for (const golden of dockerSeccomp)
  test(`compiles the default profile as Docker 28 does: ${golden.title}`, () => {
    assert.deepEqual(level(compileSeccomp(golden.capabilities, target)), level(golden.seccomp as OciSeccomp));
  });

test("sockets of the kernel's crypto (38) and of virtual machines (40) are not allowed", () => {
  const rules = compileSeccomp(defaultCapabilities, target).syscalls?.filter(({ names }) => names?.[0] === "socket");
  const allows = (family: number): boolean =>
    rules!.some(({ args }) =>
      (args as Array<{ value: number; op: string }>).every(({ value, op }) =>
        op === "SCMP_CMP_LT" ? family < value : op === "SCMP_CMP_GT" ? family > value : family === value,
      ),
    );
  assert.deepEqual([2, 37, 38, 39, 40, 41].map(allows), [true, true, false, true, false, true]);
});

test("one question has one object, whatever the order of the capabilities", () => {
  const once = compileSeccomp(["CAP_A", "CAP_B"], target);
  assert.equal(compileSeccomp(["CAP_B", "CAP_A"], target), once);
  assert.notEqual(compileSeccomp(["CAP_A"], target), once);
});

test("rules hold by architecture and kernel", () => {
  const names = (arch: string, kernel: readonly [number, number]): string[] =>
    compileSeccomp([], { arch, kernel }).syscalls!.flatMap((rule) => rule.names ?? []);
  assert.ok(names("x64", [6, 1]).includes("arch_prctl") && !names("arm64", [6, 1]).includes("arch_prctl"));
  assert.ok(names("x64", [4, 8]).includes("ptrace") && !names("x64", [4, 7]).includes("ptrace"));
  assert.deepEqual(compileSeccomp([], { arch: "arm64", kernel: [6, 1] }).architectures, [
    "SCMP_ARCH_AARCH64",
    "SCMP_ARCH_ARM",
  ]);
});

test("a profile of the user's own", () => {
  const json = JSON.stringify({
    defaultAction: "SCMP_ACT_ALLOW",
    architectures: ["SCMP_ARCH_X86_64"],
    syscalls: [
      { name: "mkdir", action: "SCMP_ACT_ERRNO", errnoRet: 13, args: [] },
      { names: ["chmod"], action: "SCMP_ACT_ERRNO", excludes: { caps: ["CAP_X", "CAP_Y"] } },
      { names: ["chown"], action: "SCMP_ACT_ERRNO", includes: { caps: ["CAP_X", "CAP_Y"] } },
    ],
  });
  assert.deepEqual(JSON.parse(JSON.stringify(compileSeccomp(["CAP_X"], target, json))), {
    defaultAction: "SCMP_ACT_ALLOW",
    architectures: ["SCMP_ARCH_X86_64"],
    syscalls: [{ names: ["mkdir"], action: "SCMP_ACT_ERRNO", errnoRet: 13 }],
  });
});

const refused: ReadonlyArray<[json: string, message: RegExp]> = [
  ["{", /^Decoding seccomp profile failed: /],
  ["/etc/profile.json", /^Decoding seccomp profile failed: /],
  ["[]", /^Decoding seccomp profile failed: it is not a JSON object$/],
  ["null", /not a JSON object/],
  ['{"defaultAction":1}', /defaultAction is not a string/],
  ['{"syscalls":{}}', /syscalls is not a list/],
  ['{"syscalls":[{}]}', /a rule has no action/],
  ['{"syscalls":[null]}', /a rule has no action/],
  ['{"syscalls":[{"action":"A","names":[1]}]}', /names is not a list of strings/],
  [
    '{"syscalls":[{"action":"A","name":"a","names":["b"]}]}',
    /^both 'name' and 'names' are specified in the seccomp profile, use either 'name' or 'names'$/,
  ],
  [
    '{"architectures":["a"],"archMap":[{"architecture":"b"}]}',
    /^both 'architectures' and 'archMap' are specified in the seccomp profile, use either 'architectures' or 'archMap'$/,
  ],
];
for (const [json, message] of refused)
  test(`refuses the profile ${json}`, () =>
    assert.throws(() => compileSeccomp([], target, json), { kind: "invalid", message }));
