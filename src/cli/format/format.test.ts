import assert from "node:assert/strict";
import { test } from "node:test";
import { ago, binarySize, ellipsis, humanDuration, humanSize } from "./human.ts";
import { renderList } from "./listing.ts";
import { naturalCompare } from "./natural.ts";
import { portsColumn } from "./ports.ts";
import { alignTabs } from "./tabs.ts";

test("durations are told as Docker tells them", () => {
  const second = 1000;
  const hour = 3600 * second;
  const cases: Array<[number, string]> = [
    [0, "Less than a second"],
    [999, "Less than a second"],
    [second, "1 second"],
    [45 * second, "45 seconds"],
    [60 * second, "About a minute"],
    [119 * second, "About a minute"],
    [120 * second, "2 minutes"],
    [59 * 60 * second, "59 minutes"],
    [hour, "About an hour"],
    [1.4 * hour, "About an hour"],
    [1.5 * hour, "2 hours"],
    [47 * hour, "47 hours"],
    [48 * hour, "2 days"],
    [13 * 24 * hour, "13 days"],
    [14 * 24 * hour, "2 weeks"],
    [59 * 24 * hour, "8 weeks"],
    [60 * 24 * hour, "2 months"],
    [729 * 24 * hour, "24 months"],
    [730 * 24 * hour, "2 years"],
  ];
  for (const [milliseconds, text] of cases) assert.equal(humanDuration(milliseconds), text);
  assert.equal(ago(1000, 121_000), "2 minutes ago");
});

test("sizes are told as Docker tells them", () => {
  const cases: Array<[number, number, string]> = [
    [0, 3, "0B"],
    [999, 3, "999B"],
    [1000, 3, "1kB"],
    [1982000, 3, "1.98MB"],
    [1982000, 4, "1.982MB"],
    [187654321, 3, "188MB"],
    [999999, 3, "1e+03kB"],
    [1234567890123, 4, "1.235TB"],
  ];
  for (const [bytes, digits, text] of cases) assert.equal(humanSize(bytes, digits), text);
  assert.equal(binarySize(25276514304), "23.54GiB");
  assert.equal(binarySize(1024), "1KiB");
  assert.equal(ellipsis("abcdef", 4), "abc…");
  assert.equal(ellipsis("abcd", 4), "abcd");
});

test("tabs become columns", () => {
  const options = { minWidth: 4, padding: 2 };
  assert.equal(alignTabs("a\tb\nlonger\tc\n", options), "a       b\nlonger  c\n");
  assert.equal(alignTabs("é\tb\n", options), "é   b\n");
  assert.equal(alignTabs("no tabs\na\t\tz\n", options), "no tabs\na       z\n");
  assert.equal(alignTabs("a\tb\tc\nx\nlong one\ty\n", options), "a   b   c\nx\nlong one  y\n");
});

test("published ports are put together", () => {
  const port = (IP: string | undefined, PrivatePort: number, PublicPort?: number, Type = "tcp") => ({
    IP,
    PrivatePort,
    PublicPort,
    Type,
  });
  assert.equal(
    portsColumn([port("0.0.0.0", 80, 8080), port("::", 80, 8080)]),
    "0.0.0.0:8080->80/tcp, [::]:8080->80/tcp",
  );
  assert.equal(portsColumn([port(undefined, 80), port(undefined, 81), port(undefined, 83)]), "80-81/tcp, 83/tcp");
  assert.equal(portsColumn([port("1.2.3.4", 2, 2, "udp"), port("1.2.3.4", 1, 1, "udp")]), "1.2.3.4:1-2->1-2/udp");
  assert.equal(portsColumn([]), "");
});

test("lists have a heading, or one text a row", () => {
  const listing = { type: "*x", table: "{{.A}}\t{{.B}}", quiet: "A", headings: { A: "FIRST", B: "SECOND" } };
  const rows = [{ A: "1", B: "x", Label: () => "l" }];
  const list = (format: string, quiet = false) => renderList(listing, rows, { format, quiet });
  assert.equal(list(""), "FIRST     SECOND\n1         x\n");
  assert.equal(renderList(listing, [], { format: "" }), "FIRST     SECOND\n");
  assert.equal(list("", true), "1\n");
  assert.equal(list("table {{.B}}\\t{{upper .A}}"), "SECOND    FIRST\nx         1\n");
  assert.equal(list('table {{.Label "com.x.some-name"}}'), "some name\nl\n");
  assert.equal(list("json"), '{"A":"1","B":"x"}\n');
  assert.equal(list("{{.A}}-{{.B}}"), "1-x\n");
  assert.throws(() => list("{{.C}}"), /template parsing error: .*can't evaluate field C in type \*x/);
});

test("names are ordered by their numbers", () => {
  assert.deepEqual(["net10", "net2", "a", "net"].sort(naturalCompare), ["a", "net", "net2", "net10"]);
});
