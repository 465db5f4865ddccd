import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { isKind } from "../../base/errors.ts";
import { ContainerCreateBody, containerCreate, containerList } from "../../client/endpoints/containers.ts";
import { networkCreate } from "../../client/endpoints/networks.ts";
import { fakeServices } from "../testing/fakes.ts";
import { startServer } from "../testing/server.ts";
import { decodeCredentials } from "./credentials.ts";
import { booleanFilter, matchesLabels, matchesPattern, parseFilters } from "./filters.ts";
import { decodeJson } from "./go-json.ts";
import { booleanOf, decodeQuery, parseQuery } from "./query.ts";
import { parseTimeOrDuration, parseTimestamp } from "./time.ts";

const invalid = (message: string | RegExp) => (error: unknown) => {
  assert.ok(isKind(error, "invalid"), String(error));
  if (typeof message === "string") assert.equal(error.message, message);
  else assert.match(error.message, message);
  return true;
};

describe("a JSON body", () => {
  const decode = (value: unknown): unknown => decodeJson(ContainerCreateBody, value);

  for (const [what, given, wanted] of [
    [
      "field names in any case",
      { image: "a", ENV: ["b"], hostconfig: { MEMORY: 1 } },
      { Image: "a", Env: ["b"], HostConfig: { Memory: 1 } },
    ],
    ["unknown fields", { Image: "a", Nonsense: { a: 1 } }, { Image: "a" }],
    ["null", { Image: null, HostConfig: null, Labels: null, Cmd: null }, {}],
    ["null in a list", { Env: ["a", null] }, { Env: ["a", ""] }],
    [
      "null in a map",
      { Labels: { a: null }, ExposedPorts: { "80/tcp": null } },
      { Labels: { a: "" }, ExposedPorts: { "80/tcp": {} } },
    ],
    [
      "null among port bindings",
      { HostConfig: { PortBindings: { "80/tcp": null } } },
      { HostConfig: { PortBindings: { "80/tcp": null } } },
    ],
    ["a command as one string", { Cmd: "ls -l", Entrypoint: ["a"] }, { Cmd: "ls -l", Entrypoint: ["a"] }],
    [
      "a map with a name of JavaScript's",
      { Labels: JSON.parse('{"__proto__":"x"}') },
      { Labels: JSON.parse('{"__proto__":"x"}') },
    ],
    ["the last of two fields", { Image: "a", image: "b" }, { Image: "b" }],
    [
      "fields of both parts of HostConfig",
      { HostConfig: { NanoCpus: 5, Binds: [] } },
      { HostConfig: { NanoCpus: 5, Binds: [] } },
    ],
  ] as const) {
    it(`takes ${what}`, () => assert.deepEqual(decode(given), wanted));
  }

  for (const [given, message] of [
    [{ Image: 3 }, "cannot unmarshal number into Go struct field .Image of type string"],
    [{ HostConfig: { memory: "3" } }, "cannot unmarshal string into Go struct field .HostConfig.memory of type int64"],
    [
      { HostConfig: { Memory: 1.5 } },
      "cannot unmarshal number 1.5 into Go struct field .HostConfig.Memory of type int64",
    ],
    [
      { HostConfig: { Memory: 1e300 } },
      "cannot unmarshal number 1e+300 into Go struct field .HostConfig.Memory of type int64",
    ],
    [{ Env: "x" }, "cannot unmarshal string into Go struct field .Env of type []string"],
    [{ Env: ["a", 1] }, "cannot unmarshal number into Go struct field .Env.1 of type string"],
    [{ Labels: { a: 1 } }, "cannot unmarshal number into Go struct field .Labels.a of type string"],
    [{ Labels: [] }, "cannot unmarshal array into Go struct field .Labels of type map[string]string"],
    [{ Tty: "true" }, "cannot unmarshal string into Go struct field .Tty of type bool"],
    [{ Cmd: 1 }, "cannot unmarshal number into Go struct field .Cmd of type []string"],
    [
      { HostConfig: { PortBindings: { "80/tcp": [{ HostPort: 80 }] } } },
      "cannot unmarshal number into Go struct field .HostConfig.PortBindings.80/tcp.0.HostPort of type string",
    ],
    [
      { HostConfig: { Ulimits: [3] } },
      "cannot unmarshal number into Go struct field .HostConfig.Ulimits.0 of type struct",
    ],
    [[], "cannot unmarshal array into Go value of type struct"],
  ] as const) {
    it(`refuses ${JSON.stringify(given)}`, () =>
      assert.throws(() => decode(given), invalid(`invalid JSON: json: ${message}`)));
  }

  it("has no value for null", () => assert.equal(decode(null), undefined));

  for (const [what, type, body, status, message] of [
    ["no body", undefined, "", 400, "config cannot be empty in order to create a container"],
    ["an empty object", "application/json", "{}", 400, "config cannot be empty in order to create a container"],
    ["null", "application/json", "null", 400, "config cannot be empty in order to create a container"],
    ["blanks", "application/json", "  ", 400, "invalid JSON: got EOF while reading request body"],
    ["half an object", "application/json", '{"Image":', 400, "invalid JSON: unexpected EOF"],
    ["half a string", "application/json", '{"Image":"a', 400, "invalid JSON: unexpected EOF"],
    ["an open brace", "application/json", "{", 400, "invalid JSON: unexpected EOF"],
    ["more after the value", "application/json", '{"Image":"a"} x', 400, "unexpected content after JSON"],
    [
      "text",
      "text/plain",
      '{"Image":"a"}',
      400,
      "unsupported Content-Type header (text/plain): must be 'application/json'",
    ],
    [
      "a form",
      "application/x-www-form-urlencoded",
      "a=b",
      400,
      "unsupported Content-Type header (application/x-www-form-urlencoded): must be 'application/json'",
    ],
    [
      "a type that is none",
      "nonsense",
      '{"Image":"a"}',
      400,
      "unsupported Content-Type header (nonsense): must be 'application/json'",
    ],
    ["a charset", "application/json; charset=utf-8", '{"Image":"a"}', 201, ""],
    ["capitals", "Application/JSON", '{"Image":"a"}', 201, ""],
  ] as const) {
    it(`of ${what}: ${status} ${message}`, async () => {
      await using server = await startServer(fakeServices());
      const answer = await server.fetch("POST", "/v1.51/containers/create", {
        ...(body !== "" && { body }),
        ...(type !== undefined && { headers: { "Content-Type": type } }),
      });
      assert.equal(answer.status, status, answer.text);
      if (message !== "") assert.deepEqual(answer.json, { message });
    });
  }

  it("that is not JSON names the place", async () => {
    await using server = await startServer(fakeServices());
    const answer = await server.fetch("POST", "/v1.51/containers/create", { body: '{"Image":nope}' });
    assert.equal(answer.status, 400);
    assert.match(answer.text, /invalid JSON: Unexpected token/);
  });
});

describe("a query", () => {
  for (const [text, value] of [
    ["", false],
    ["0", false],
    ["no", false],
    ["False", false],
    [" none ", false],
    ["1", true],
    ["true", true],
    ["yes", true],
    ["anything", true],
  ] as const) {
    it(`takes ${JSON.stringify(text)} for ${value}`, () => assert.equal(booleanOf(text), value));
  }

  const decode = (text: string): unknown => decodeQuery(containerList.query, parseQuery(text));

  it("is typed by its schema; what is unknown is dropped", () => {
    assert.deepEqual(decode('all=1&limit=-1&nonsense=x&filters={"id":["a"]}'), {
      all: true,
      limit: -1,
      filters: { id: ["a"] },
    });
    assert.deepEqual(decode("limit=&filters="), {});
    assert.deepEqual(decodeQuery(containerCreate.query, parseQuery("name=a&name=b")), { name: "a" });
    assert.deepEqual(decodeQuery(undefined, parseQuery("a=b")), {});
  });

  for (const [text, message] of [
    ["limit=x", "invalid value for 'limit': strconv.Atoi: parsing \"x\": invalid syntax"],
    ["limit=1.5", /parsing "1.5"/],
    ["limit=99999999999999999999", /parsing/],
    ["all=%zz", 'invalid URL escape "%zz"'],
    ["all=%", 'invalid URL escape "%"'],
    ["a=1;b=2", "invalid semicolon separator in query"],
    ["filters=x", "invalid filter"],
  ] as const) {
    it(`refuses ${text}`, () => assert.throws(() => decode(text), invalid(message)));
  }
});

describe("filters", () => {
  it("are maps of lists, or the maps of maps of old clients", () => {
    assert.deepEqual(parseFilters('{"a":["1","2"]}'), { a: ["1", "2"] });
    assert.deepEqual(parseFilters('{"a":{"1":true,"2":false}}'), { a: ["1"] });
    assert.deepEqual(parseFilters('{"a":null}'), { a: [] });
    assert.deepEqual(parseFilters("null"), {});
  });
  for (const text of ["x", "[]", "1", '"a"', '{"a":1}', '{"a":[1]}', '{"a":{"b":"c"}}'])
    it(`are not ${text}`, () => assert.throws(() => parseFilters(text), invalid("invalid filter")));

  it("with a boolean take one value", () => {
    assert.equal(booleanFilter({}, "dangling"), undefined);
    assert.equal(booleanFilter({ dangling: ["true"] }, "dangling"), true);
    assert.equal(booleanFilter({ dangling: ["0"] }, "dangling"), false);
    assert.throws(() => booleanFilter({ dangling: ["x"] }, "dangling"), invalid("invalid filter 'dangling=[x]'"));
    assert.throws(() => booleanFilter({ dangling: ["1", "0"] }, "dangling"), invalid(/invalid filter/));
  });

  it("match patterns and labels", () => {
    assert.ok(matchesPattern(["^we"], "web"));
    assert.ok(!matchesPattern(["^b"], "web"));
    assert.ok(!matchesPattern(["["], "web"));
    assert.ok(matchesPattern(["["], "["));
    assert.ok(matchesLabels(["a", "b=c=d"], { a: "1", b: "c=d" }));
    assert.ok(!matchesLabels(["a", "b=x"], { a: "1", b: "c" }));
    assert.ok(!matchesLabels(["toString"], {}));
  });
});

describe("times", () => {
  it("are seconds with a fraction", () => {
    assert.equal(parseTimestamp(undefined), undefined);
    assert.equal(parseTimestamp(""), undefined);
    assert.equal(parseTimestamp("0"), 0n);
    assert.equal(parseTimestamp("1795348730.000000001"), 1795348730_000000001n);
    assert.equal(parseTimestamp("12.5"), 12_500_000_000n);
    assert.throws(() => parseTimestamp("10m"), invalid('strconv.ParseInt: parsing "10m": invalid syntax'));
  });

  const now = 1_000_000_000_000_000_000n;
  for (const [text, wanted] of [
    ["10m", now - 600_000_000_000n],
    ["1h30m", now - 5_400_000_000_000n],
    ["1.5s", now - 1_500_000_000n],
    ["100", 100_000_000_000n],
    ["2001-09-09", 999_993_600_000_000_000n],
    ["2001-09-09T01:46:40Z", now],
    ["2001-09-09T01:46:40", now],
    ["2001-09-09T01:46", now - 40_000_000_000n],
    ["2001-09-09T03:46:40+02:00", now],
  ] as const) {
    it(`of filters may be ${text}`, () => assert.equal(parseTimeOrDuration(text, now), wanted));
  }
  it("of filters may not be nonsense", () =>
    assert.throws(() => parseTimeOrDuration("x", now), invalid('failed to parse value as time or duration: "x"')));
});

describe("credentials", () => {
  const encode = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString("base64url");
  it("are read from the header", () => {
    assert.deepEqual(decodeCredentials(encode({ username: "a", password: "ü" })), { username: "a", password: "ü" });
    assert.deepEqual(decodeCredentials(encode({ auth: Buffer.from("a:b:c").toString("base64") })), {
      username: "a",
      password: "b:c",
    });
    assert.deepEqual(decodeCredentials(encode({ identitytoken: "t" })), { identityToken: "t" });
  });
  it("that cannot be read are none", () => {
    for (const header of [undefined, "", "%%%", encode({}), encode(null), encode("x")])
      assert.equal(decodeCredentials(header), undefined);
  });
});

describe("a network's body", () => {
  it("becomes a request", async () => {
    const services = fakeServices();
    await using server = await startServer(services);
    const body = {
      Name: "n",
      Driver: "bridge",
      CheckDuplicate: true,
      IPAM: { Config: [{ Subnet: "10.0.0.0/24", Gateway: "10.0.0.1", AuxiliaryAddresses: { a: "10.0.0.9" } }] },
      EnableIPv6: true,
      Labels: { a: "b" },
    };
    assert.equal((await server.fetch("POST", "/networks/create", { body: JSON.stringify(body) })).status, 201);
    assert.deepEqual(services.last("create"), [
      {
        name: "n",
        driver: "bridge",
        internal: false,
        attachable: false,
        enableIPv6: true,
        ipam: {
          driver: "default",
          config: [{ subnet: "10.0.0.0/24", gateway: "10.0.0.1", auxAddresses: { a: "10.0.0.9" } }],
        },
        options: {},
        labels: { a: "b" },
      },
    ]);
    assert.equal(networkCreate.path, "/networks/create");
  });
});
