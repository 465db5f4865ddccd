import assert from "node:assert/strict";
import { test } from "node:test";
import { parseMountInfo } from "./mountinfo.ts";

test("fields, with and without optional ones", () => {
  const text = [
    "36 35 98:0 /mnt1 /mnt2 rw,noatime master:1 shared:2 - ext3 /dev/root rw,errors=continue",
    "40 36 0:30 / /x rw,relatime - tmpfs none rw,size=64k",
    "",
  ].join("\n");
  assert.deepEqual(parseMountInfo(text), [
    { target: "/mnt2", source: "/dev/root", type: "ext3", root: "/mnt1", options: "rw,noatime,rw,errors=continue" },
    { target: "/x", source: "none", type: "tmpfs", root: "/", options: "rw,relatime,rw,size=64k" },
  ]);
});

test("escapes, and a dash as a name", () => {
  const [mount] = parseMountInfo("40 36 0:30 /a\\134b /x\\040y\\011z\\012ä rw - tmpfs - rw\n");
  assert.deepEqual(mount, { target: "/x y\tz\nä", source: "-", type: "tmpfs", root: "/a\\b", options: "rw,rw" });
});
