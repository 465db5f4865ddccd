import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { entries, entriesOf, groups, missing, missingGrouped } from "./command-table.ts";
import { runDocker, runMain, whyNoDocker } from "./testing/run-clients.ts";

const paths = entries.flatMap((entry) => [...entry.grouped, ...(entry.top ? [entry.top] : [])]);
/** Commands that Docker's client does not have, or whose help is not alike. */
const own = new Set(["daemon", "completion"]);

test("every command has a help with its usage, its summary and its flags", async () => {
  for (const path of paths) {
    const { stdout, stderr, code } = await runMain([...path.split(" "), "--help"]);
    assert.equal(code, 0, path);
    assert.equal(stderr, "", path);
    assert.match(stdout, /^Usage:.*\n\n\S.*\n/, path);
  }
});

test("the groups and the program have a help that names every command", async () => {
  for (const group of Object.keys(groups)) {
    const { stdout } = await runMain([group, "--help"]);
    for (const [name] of entriesOf(group)) assert.match(stdout, new RegExp(`^ {2}${name} `, "m"));
  }
  const { stdout } = await runMain(["--help"]);
  for (const [name] of entriesOf("")) assert.match(stdout, new RegExp(`^ {2}${name} `, "m"));
  for (const name of missing) assert.match(stdout, new RegExp(`\\b${name}\\b`));
});

test("what is not there yet is named", async () => {
  for (const name of [...missing, ...missingGrouped]) {
    const { stderr, code } = await runMain(name.split(" "));
    assert.equal(stderr, `keelson: '${name}' is not there yet\n`);
    assert.equal(code, 1);
  }
});

describe("flags as Docker's", { skip: whyNoDocker(), concurrency: 4 }, () => {
  for (const path of paths.filter((name) => !own.has(name)))
    test(path, async () => {
      const words = [...path.split(" "), "--help"];
      const [docker, keelson] = await Promise.all([runDocker(words, {}), runMain(words)]);
      assert.deepEqual(flagsIn(keelson.stdout), flagsIn(docker.stdout));
      assert.equal(usageIn(keelson.stdout), usageIn(docker.stdout).replace(/^docker/, "keelson"));
    });
});

/** The heads of a help's flags: `-a, --all`, `--format string`; a default follows in parentheses. */
function flagsIn(help: string): string[] {
  const options = /\nOptions:\n([\s\S]*)$/.exec(help)?.[1] ?? "";
  const flags = options.split(/\n(?= {2}(?:-\w, | {4})--)/);
  return flags
    .filter((flag) => /--/.test(flag) && !/--help/.test(flag))
    .map((flag) => {
      const head = /^\s*(-\w, )?--([\w-]+)( [\w-]+)?(?= {2,}|\n|$)/.exec(flag)?.[0].trim() ?? flag;
      const text = flag.replace(/\s+/g, " ");
      return head + (/\(default (\S+|"[^"]*")\)$/.exec(text.trim())?.[0] ?? "");
    });
}

function usageIn(help: string): string {
  return /^Usage: {2}(.*)/.exec(help)?.[1] ?? "";
}
