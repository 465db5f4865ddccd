import assert from "node:assert/strict";
import { test } from "node:test";
import { bool, HelpAsked, int, list, parseFlags, string, strings } from "./flags.ts";

const known = [
  bool("interactive", "i", ""),
  bool("tty", "t", ""),
  bool("rm", "", ""),
  bool("proxy", "", "", true),
  string("name", "n", "", "unnamed"),
  list("publish", "p", ""),
  list("env", "e", ""),
  strings("subnet", ""),
  int("time", "", ""),
];

function read(words: string[], stopAtFirst = false) {
  const { flags, args } = parseFlags(known, words, stopAtFirst);
  const given = known.filter(({ name }) => flags.changed(name)).map(({ name }) => [name, flags.get(name)]);
  return { ...Object.fromEntries(given), args };
}

test("every way to write a flag is read", () => {
  const cases: Array<[string[], object]> = [
    [["-it"], { interactive: true, tty: true, args: [] }],
    [["-itn", "x"], { interactive: true, tty: true, name: "x", args: [] }],
    [
      ["-p80:80", "-p=81", "-p", "82", "--publish", "83", "--publish=84"],
      { publish: ["80:80", "81", "82", "83", "84"], args: [] },
    ],
    [["-e", "A=b=c", "--env=D"], { env: ["A=b=c", "D"], args: [] }],
    [["--rm=false", "--tty=T"], { rm: false, tty: true, args: [] }],
    [["-i=false"], { interactive: false, args: [] }],
    [["a", "--rm", "b"], { rm: true, args: ["a", "b"] }],
    [["a", "--", "--rm", "b"], { args: ["a", "--rm", "b"] }],
    [["-n", "--rm"], { name: "--rm", args: [] }],
    [["--name=", "-"], { name: "", args: ["-"] }],
    [["--subnet", "a,b", "--subnet=c"], { subnet: ["a", "b", "c"], args: [] }],
    [["--time", "-1"], { time: -1, args: [] }],
  ];
  for (const [words, expected] of cases) assert.deepEqual(read(words), expected, words.join(" "));
});

test("with stopAtFirst, flags end at the first word that is none", () => {
  assert.deepEqual(read(["-t", "image", "-x", "--rm", "--", "y"], true), {
    tty: true,
    args: ["image", "-x", "--rm", "--", "y"],
  });
  assert.deepEqual(read(["--", "-x"], true), { args: ["-x"] });
});

test("what is wrong is told in the words of Docker's client", () => {
  const cases: Array<[string[], string]> = [
    [["--nope"], "unknown flag: --nope"],
    [["--nope=1"], "unknown flag: --nope"],
    [["-ix"], "unknown shorthand flag: 'x' in -x"],
    [["-e"], "flag needs an argument: 'e' in -e"],
    [["--env"], "flag needs an argument: --env"],
    [["--=x"], "bad flag syntax: --=x"],
    [["---"], "bad flag syntax: ---"],
    [["--rm=x"], 'invalid argument "x" for "--rm" flag: strconv.ParseBool: parsing "x": invalid syntax'],
    [["--time", "1.5"], 'invalid argument "1.5" for "--time" flag: strconv.ParseInt: parsing "1.5": invalid syntax'],
    [
      ["--time", "99999999999999999999"],
      'invalid argument "99999999999999999999" for "--time" flag: strconv.ParseInt: parsing "99999999999999999999": value out of range',
    ],
  ];
  for (const [words, message] of cases) assert.throws(() => read(words), { message, exitCode: 125 });
  for (const words of [["--help"], ["-h"], ["a", "-ih"]]) assert.throws(() => read(words), HelpAsked);
});

test("a flag that was not given has its initial value", () => {
  const { flags } = parseFlags(known, []);
  assert.equal(flags.string("name"), "unnamed");
  assert.equal(flags.bool("proxy"), true);
  assert.deepEqual(flags.list("env"), []);
  assert.equal(flags.changed("name"), false);
  assert.throws(() => flags.get("no-such-flag"), /no flag/);
});
