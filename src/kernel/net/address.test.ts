import assert from "node:assert/strict";
import { test } from "node:test";
import { isKind } from "../../base/errors.ts";
import { addressBytes, addressText, broadcastOf, macBytes, macText, parsePrefix } from "./address.ts";

test("addresses survive the way to bytes and back", () => {
  for (const text of [
    "0.0.0.0",
    "172.17.0.2",
    "::",
    "::1",
    "fd00::2",
    "fe80::42:acff:fe1e:2",
    "2001:db8::",
    "1:2:3:4:5:6:7:8",
  ]) {
    assert.equal(addressText(addressBytes(text)), text);
  }
});

test("IPv6 text is shortened as RFC 5952 has it", () => {
  assert.equal(addressText(addressBytes("2001:0DB8:0:0:1:0:0:1")), "2001:db8::1:0:0:1");
  assert.equal(addressText(addressBytes("1:0:2:3:4:5:6:7")), "1:0:2:3:4:5:6:7");
  assert.deepEqual(addressBytes("::ffff:10.1.2.3").subarray(10), Buffer.from([255, 255, 10, 1, 2, 3]));
});

test("a prefix has a family and a length", () => {
  assert.deepEqual(parsePrefix("10.1.2.3/8"), { family: 2, bytes: Buffer.from([10, 1, 2, 3]), length: 8 });
  assert.equal(parsePrefix("10.1.2.3").length, 32);
  assert.equal(parsePrefix("fd00::1").length, 128);
});

test("what is no address is refused", () => {
  for (const text of ["", "10.1.2", "10.1.2.3/33", "10.1.2.3/", "10.1.2.3/x", "fe80::1%eth0", "::1/129", "host"]) {
    assert.throws(
      () => parsePrefix(text),
      (error) => isKind(error, "system") && error.fields.errno === "EINVAL",
      text,
    );
  }
  assert.throws(() => macBytes("02:42:ac"));
});

test("the broadcast address is the highest of its network", () => {
  assert.deepEqual(broadcastOf(parsePrefix("172.17.0.2/16")), Buffer.from([172, 17, 255, 255]));
  assert.deepEqual(broadcastOf(parsePrefix("192.168.1.130/25")), Buffer.from([192, 168, 1, 255]));
  assert.equal(broadcastOf(parsePrefix("10.0.0.1/31")), undefined);
  assert.equal(broadcastOf(parsePrefix("fd00::1/64")), undefined);
});

test("link addresses survive the way to bytes and back", () => {
  assert.equal(macText(macBytes("02:42:AC:11:00:02")), "02:42:ac:11:00:02");
});
