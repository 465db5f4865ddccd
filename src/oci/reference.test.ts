import assert from "node:assert/strict";
import { test } from "node:test";
import { isKind } from "../base/errors.ts";
import {
  canonicalString,
  familiarName,
  familiarString,
  isTag,
  parseReference,
  tryParseReference,
  withDefaultTag,
} from "./reference.ts";

const digest = `sha256:${"e3b0c442".repeat(8)}` as const;
const a = (count: number): string => "a".repeat(count);

/** text, canonical, familiar. */
const valid: ReadonlyArray<readonly [string, string, string]> = [
  ["busybox", "docker.io/library/busybox", "busybox"],
  ["busybox:1.36", "docker.io/library/busybox:1.36", "busybox:1.36"],
  ["library/busybox", "docker.io/library/busybox", "busybox"],
  ["docker.io/busybox", "docker.io/library/busybox", "busybox"],
  ["docker.io/library/busybox:x", "docker.io/library/busybox:x", "busybox:x"],
  ["index.docker.io/busybox", "docker.io/library/busybox", "busybox"],
  ["docker.io", "docker.io/library/docker.io", "docker.io"],
  ["me/app", "docker.io/me/app", "me/app"],
  ["a/b/c/d.e:f", "docker.io/a/b/c/d.e:f", "a/b/c/d.e:f"],
  ["a.b/c/d.e:f", "a.b/c/d.e:f", "a.b/c/d.e:f"],
  ["localhost/x", "localhost/x", "localhost/x"],
  ["localhost:5000/x:y", "localhost:5000/x:y", "localhost:5000/x:y"],
  ["127.0.0.1:5000/o/p:1", "127.0.0.1:5000/o/p:1", "127.0.0.1:5000/o/p:1"],
  ["[::1]:5000/foo", "[::1]:5000/foo", "[::1]:5000/foo"],
  ["Foo/bar", "Foo/bar", "Foo/bar"],
  ["FOO.com/bar", "FOO.com/bar", "FOO.com/bar"],
  ["foo__bar", "docker.io/library/foo__bar", "foo__bar"],
  ["foo---bar", "docker.io/library/foo---bar", "foo---bar"],
  ["foo.com:80", "docker.io/library/foo.com:80", "foo.com:80"],
  ["x:_A.b-C", "docker.io/library/x:_A.b-C", "x:_A.b-C"],
  [`x:${a(128)}`, `docker.io/library/x:${a(128)}`, `x:${a(128)}`],
  [`x@${digest}`, `docker.io/library/x@${digest}`, `x@${digest}`],
  [`x:t@${digest}`, `docker.io/library/x:t@${digest}`, `x:t@${digest}`],
  [a(247), `docker.io/library/${a(247)}`, a(247)],
  [`foo.com/${a(255)}`, `foo.com/${a(255)}`, `foo.com/${a(255)}`],
  ["docker.io/library/library/x", "docker.io/library/library/x", "library/library/x"],
  [a(63).replaceAll("a", "f"), `docker.io/library/${"f".repeat(63)}`, "f".repeat(63)],
];

const plain = "invalid reference format";
const tooLong = "repository name must not be more than 255 characters";
/** text, Docker's message. */
const refused: ReadonlyArray<readonly [string, string]> = [
  ["", plain],
  ["Foo", `${plain}: repository name (library/Foo) must be lowercase`],
  ["docker.io/Foo", `${plain}: repository name (library/Foo) must be lowercase`],
  ["localhost/Foo", `${plain}: repository name (Foo) must be lowercase`],
  ["a.b/c/D:x", `${plain}: repository name (c/D) must be lowercase`],
  ["foo:", plain],
  ["foo:.x", plain],
  ["foo:-x", plain],
  ["a//b", plain],
  ["/a", plain],
  ["a/", plain],
  ["docker.io/", plain],
  ["a:b:c", plain],
  ["-foo", plain],
  ["foo-", plain],
  ["foo___bar", plain],
  ["foo..bar", plain],
  [" foo", plain],
  ["foo\n", plain],
  ["x y", plain],
  ["x@", plain],
  ["foo.com:", plain],
  ["foo.com:80:x/b", plain],
  ["foo.com:x/b", plain],
  ["-a.com/b", plain],
  ["[fe80::1%eth0]/foo", plain],
  [`x:${a(129)}`, plain],
  ["foo@sha256:abc", plain],
  ["foo@sha256:xyz", plain],
  [`foo@${digest}@${digest}`, plain],
  [`foo:b@md5:${a(32)}`, "unsupported digest algorithm"],
  [`foo@${digest}00`, "invalid checksum digest length"],
  [`foo@${digest.slice(0, -1)}A`, "invalid checksum digest format"],
  [a(248), tooLong],
  [`foo.com/${a(256)}`, tooLong],
  ["a".repeat(100_000), plain],
  ["e".repeat(64), `invalid repository name (${"e".repeat(64)}), cannot specify 64-byte hexadecimal strings`],
];

test("references have a canonical and a familiar form", () => {
  for (const [text, canonical, familiar] of valid) {
    const parsed = parseReference(text);
    assert.equal(canonicalString(parsed), canonical, text);
    assert.equal(familiarString(parsed), familiar, text);
    assert.deepEqual(parseReference(canonical), parsed, `the canonical form of ${text} parses to the same`);
  }
});

test("what is no reference is refused in Docker's words", () => {
  for (const [text, message] of refused) {
    assert.throws(
      () => parseReference(text),
      (error: unknown) => isKind(error, "invalid") && error.message === message,
      JSON.stringify(text.slice(0, 80)),
    );
    assert.equal(tryParseReference(text), undefined);
  }
});

test("a reference is taken apart", () => {
  assert.deepEqual(parseReference(`h:1/a/b:t@${digest}`), { domain: "h:1", path: "a/b", tag: "t", digest });
  assert.deepEqual(parseReference("nginx"), { domain: "docker.io", path: "library/nginx" });
  assert.equal(familiarName(parseReference("nginx:1")), "nginx");
});

test("only a bare name gets the default tag", () => {
  assert.equal(familiarString(withDefaultTag(parseReference("nginx"))), "nginx:latest");
  assert.equal(familiarString(withDefaultTag(parseReference("nginx:1"))), "nginx:1");
  assert.equal(familiarString(withDefaultTag(parseReference(`nginx@${digest}`))), `nginx@${digest}`);
});

test("tags have a grammar of their own", () => {
  for (const tag of ["latest", "1.0", "_x", a(128)]) assert.ok(isTag(tag), tag);
  for (const tag of ["", ".x", "-x", "x!", "a:b", "x\n", a(129)]) assert.ok(!isTag(tag), tag);
});
