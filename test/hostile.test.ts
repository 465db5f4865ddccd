/**
 * What no honest client sends: broken HTTP, bodies that lie, names that try to leave. Each gets a clear 4xx or a closed
 * connection, and the daemon goes on and keeps nothing of it.
 */
import assert from "node:assert/strict";
import { once } from "node:events";
import { readdir } from "node:fs/promises";
import type { Socket } from "node:net";
import { after, before, beforeEach, test } from "node:test";
import { importBusybox } from "./busybox.ts";
import { callApi } from "./compat/target.ts";
import { TestHost } from "./host.ts";
import { poll } from "./poll.ts";
import { daemonMemory, type Figures, figuresOf, inside, returnsTo, type State, settlesTo, stateOf } from "./state.ts";
import { head, rawConnection, rest } from "./stream.ts";

const halfOpen = Number(process.env["KEELSON_HALF_OPEN"] ?? 300);

let host: TestHost;
let clean: State;
let figures: Figures;
before(async () => {
  host = await TestHost.make();
  await host.start();
  await importBusybox(host);
  const made = await host.docker(["run", "-d", "--name", "good", "busybox", "sleep", "1000"]);
  assert.equal(made.code, 0, made.stderr);
  clean = await stateOf(host);
  figures = await figuresOf(host);
});
after(async () => {
  try {
    await returnsTo(host, clean);
    assert.equal(host.daemon?.exitCode, null, host.log);
    assert.doesNotMatch(host.log, /level=error/);
  } finally {
    await host?.[Symbol.asyncDispose]();
  }
});
beforeEach(() => settlesTo(host, figures));

const json = { "Content-Type": "application/json" };
const api = (method: string, path: string, body?: unknown, headers = {}) =>
  callApi(host.socket, method, `/v1.51${path}`, body, headers);

/** Writes the bytes, ends our side, and resolves with everything that came. */
async function say(bytes: string | Buffer, end = true): Promise<string> {
  const socket = await rawConnection(host.socket);
  if (end) socket.end(bytes);
  else socket.write(bytes);
  const timer = setTimeout(() => socket.destroy(new Error("no answer")), 20_000);
  try {
    return await rest(socket);
  } finally {
    clearTimeout(timer);
    socket.destroy();
  }
}

async function isAlive(): Promise<void> {
  const { status } = await api("GET", "/_ping");
  assert.equal(status, 200);
}

/** A status, and a message in JSON. */
function isRefusal(answer: string, expected: RegExp): void {
  assert.match(answer, expected);
  assert.match(answer, /\r\n\r\n\{"message":".+"\}\n$/s, answer.slice(0, 500));
}

const malformed: Readonly<Record<string, string | Buffer>> = {
  "no HTTP": "hello\r\n\r\n",
  "a TLS greeting": Buffer.from("16030100d8010000d40303", "hex"),
  "HTTP/2": "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
  "an unknown method": "BREW /_ping HTTP/1.1\r\nHost: x\r\n\r\n",
  "a version that is none": "GET /_ping HTTP/9.7\r\nHost: x\r\n\r\n",
  "a header without a colon": "GET /_ping HTTP/1.1\r\nHost: x\r\nbroken\r\n\r\n",
  "a space in a header's name": "GET /_ping HTTP/1.1\r\nHost: x\r\nsome header : x\r\n\r\n",
  "a control character in a header": "GET /_ping HTTP/1.1\r\nHost: x\r\nX: a\x01b\r\n\r\n",
  "two lengths": "POST /containers/create HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nContent-Length: 4\r\n\r\n{}{}",
  "a negative length": "POST /containers/create HTTP/1.1\r\nHost: x\r\nContent-Length: -2\r\n\r\n{}",
  "a length and chunks": `${head("POST", "/containers/create", { "Content-Length": "2", "Transfer-Encoding": "chunked" })}0\r\n\r\n`,
  "an unknown transfer encoding": head("POST", "/containers/create", { "Transfer-Encoding": "gzip" }),
  "a head of 300 kB": head("GET", "/_ping", { "X-Long": "x".repeat(300_000) }),
  "ten thousand headers": head(
    "GET",
    "/_ping",
    Object.fromEntries(Array.from({ length: 10_000 }, (_, i) => [`X-${i}-${"y".repeat(30)}`, "1"])),
  ),
  "a path of 300 kB": head("GET", `/${"a".repeat(300_000)}`),
};

for (const [name, bytes] of Object.entries(malformed))
  test(`${name} is refused`, async () => {
    isRefusal(await say(bytes, false), /^HTTP\/1\.1 4(00|31|14) /);
    await isAlive();
  });

test("a body that is no chunks is refused", async () => {
  const chunked = head("POST", "/v1.51/containers/create", { ...json, "Transfer-Encoding": "chunked" });
  for (const body of [
    "zz\r\nhello\r\n0\r\n\r\n",
    "5\r\nhelloX\r\n0\r\n\r\n",
    "ffffffffffffffffff\r\n{}\r\n0\r\n\r\n",
    "-1\r\n{}\r\n0\r\n\r\n",
  ]) {
    const answer = await say(chunked + body, false);
    assert.match(answer, /^HTTP\/1\.1 400 /, JSON.stringify(body));
  }
  await isAlive();
});

test("a body shorter than its length leaves nothing", async () => {
  for (const path of [
    "/v1.51/containers/create?name=short",
    "/v1.51/images/load",
    "/v1.51/images/create?fromSrc=-&repo=short",
  ]) {
    const socket = await rawConnection(host.socket);
    socket.write(head("POST", path, { ...json, "Content-Length": "1000" }));
    socket.write('{"Image":"busybox"}');
    socket.end();
    await rest(socket);
    socket.destroy();
  }
  await settlesTo(host, figures);
  await returnsTo(host, clean);
});

test("what follows a body is another request, and no part of it", async () => {
  const body = '{"Image":"nothere"}';
  const one = head("POST", "/v1.51/containers/create", { ...json, "Content-Length": String(body.length) }) + body;
  const answer = await say(`${one}garbage\r\n\r\n`, false);
  // Whichever comes first; the connection ends with it.
  assert.match(answer, /^HTTP\/1\.1 4(00|04) /);
  await isAlive();
});

test("pipelined requests are answered in order", async () => {
  const one = head("GET", "/v1.51/containers/good/json");
  const answer = await say(one.repeat(20) + head("GET", "/_ping", { Connection: "close" }), false);
  assert.equal(answer.match(/HTTP\/1\.1 200 OK/g)?.length, 21);
});

const bodies: Readonly<Record<string, readonly [body: string | Buffer, status: number]>> = {
  "JSON ten thousand deep": [`${'{"a":'.repeat(10_000)}1${"}".repeat(10_000)}`, 400],
  "lists a million deep": ["[".repeat(1_000_000), 400],
  "labels ten thousand deep": [`{"Image":"busybox","Labels":${'{"a":'.repeat(10_000)}1${"}".repeat(10_001)}`, 400],
  "invalid UTF-8": [
    Buffer.concat([Buffer.from('{"Image":"'), Buffer.from([0xff, 0xfe, 0xc0]), Buffer.from('"}')]),
    400,
  ],
  "half a JSON": ['{"Image":"busybox"', 400],
  "two JSONs": ['{"Image":"busybox"}{}', 400],
  "a NUL in a command": ['{"Image":"busybox","Cmd":["a\\u0000b"]}', 400],
  "a NUL in the environment": ['{"Image":"busybox","Env":["A=a\\u0000b"]}', 400],
  "a NUL in a bind": ['{"Image":"busybox","HostConfig":{"Binds":["/tmp\\u0000x:/y"]}}', 400],
  "a line feed in a hostname": ['{"Image":"busybox","Hostname":"a\\nb"}', 400],
  "a prototype's name as a key": ['{"Image":"nothere","Labels":{"__proto__":"x","constructor":"y"}}', 404],
  "a number of another size": ['{"Image":"busybox","HostConfig":{"Memory":1e400}}', 400],
  "a list for an object": ["[]", 400],
  "an image's name that leaves": ['{"Image":"../../etc/passwd"}', 400],
  "a NUL in an image's name": ['{"Image":"busy\\u0000box"}', 400],
};

for (const [name, [body, status]] of Object.entries(bodies))
  test(`create with ${name} is ${status}`, async () => {
    const answer = await api("POST", "/containers/create?name=hostile", body, json);
    try {
      assert.equal(answer.status, status, answer.text.slice(0, 300));
      assert.ok(answer.json.message.length > 0 && answer.json.message.length < 10_000);
    } finally {
      if (answer.status === 201) await api("DELETE", "/containers/hostile?force=1");
    }
  });

test("a body of 20 MB is refused before it is read", async () => {
  const length = { ...json, "Content-Length": "20000000" };
  isRefusal(await say(head("POST", "/v1.51/containers/create", length), false), /^HTTP\/1\.1 413 /);
  const before = daemonMemory(host);
  const chunk = `100000\r\n${" ".repeat(1 << 20)}\r\n`;
  // Of one whose length is not known, the connection may break before the answer is read.
  await say(
    head("POST", "/v1.51/containers/create", { ...json, "Transfer-Encoding": "chunked" }) + chunk.repeat(20),
  ).catch(() => {});
  assert.ok(daemonMemory(host) < before + 32);
  await isAlive();
});

const paths: ReadonlyArray<readonly [method: string, path: string, status: number]> = [
  ["GET", "/containers/..%2f..%2fetc/json", 404],
  ["GET", "/containers/../../etc/passwd", 404],
  ["GET", "/containers/%2e%2e/json", 404],
  ["GET", "/containers/good%00/json", 404],
  ["GET", "/containers/%ff%fe/json", 400],
  ["GET", "/containers/%zz/json", 400],
  ["GET", "/containers/%/json", 400],
  ["GET", "/containers//json", 404],
  ["GET", `/containers/${"a".repeat(1000)}/json`, 404],
  ["GET", `/containers/${"a".repeat(5000)}/json`, 414],
  ["GET", `/containers/${"%41".repeat(5000)}/json`, 414],
  ["DELETE", "/containers/..", 404],
  ["DELETE", "/containers/%2e%2e%2f%2e%2e", 404],
  ["GET", "/images/..%2f..%2f..%2fetc%2fpasswd/json", 400],
  ["GET", "/images/%00/json", 400],
  ["GET", `/images/${"a/".repeat(3000)}b/json`, 414],
  ["DELETE", "/images/../../x", 400],
  ["POST", "/images/busybox/tag?repo=../x", 400],
  ["POST", `/images/busybox/tag?repo=${"a".repeat(300)}`, 400],
  ["GET", "/networks/..%2f..", 404],
  ["GET", "/volumes/..%2f..%2fetc", 404],
  ["DELETE", "/volumes/..%2f..%2fetc", 404],
  ["GET", "/exec/..%2f../json", 404],
  ["POST", "/containers/create?name=..%2f..%2fx", 400],
  ["POST", `/containers/create?name=${"a".repeat(70_000)}%2f`, 400],
  ["POST", "/containers/good/rename?name=..%2fx", 400],
  ["GET", "/containers/json?filters=%7B", 400],
  ["GET", `/containers/json?filters=${encodeURIComponent('{"label":'.repeat(5000))}`, 400],
  ["GET", `/containers/json?filters=${encodeURIComponent('{"name":{"((((((a+)+)+)+)+)+$":true}}')}`, 200],
  ["GET", "/containers/json?limit=1e9", 400],
  ["GET", "/containers/good/logs?stdout=1&tail=-5&since=abc", 400],
  ["GET", "/events?since=99999999999999999999999999", 400],
  ["POST", "/containers/good/resize?h=-1&w=99999999999", 400],
  ["POST", "/containers/good/kill?signal=..", 400],
  ["GET", "/nothing/here", 404],
  ["PATCH", "/containers/json", 404],
  ["TRACE", "/_ping", 404],
  ["GET", "/%2e%2e/%2e%2e/etc/passwd", 404],
];

for (const [method, path, status] of paths)
  test(`${method} ${path.slice(0, 60)} is ${status}`, async () => {
    const answer = await api(
      method,
      path,
      method === "POST" && path.includes("create") ? { Image: "busybox" } : undefined,
    );
    assert.equal(answer.status, status, answer.text.slice(0, 300));
    assert.ok(answer.text.length < 100_000);
    if (status >= 400) assert.ok(answer.json.message.length > 0, answer.text);
  });

test("volumes whose names leave are refused, and nothing is made outside", async () => {
  for (const Name of ["../x", "..", ".", "a/b", "a\0b", "/abs", "a".repeat(300), "a\nb", "%2e%2e"]) {
    const answer = await api("POST", "/volumes/create", { Name });
    assert.equal(answer.status, 400, `${JSON.stringify(Name)}: ${answer.text}`);
  }
  assert.deepEqual(
    (await readdir(inside(host, "data"))).filter((name) => name === "x"),
    [],
  );
});

test("an upgrade on a route that has none is answered as if it were not asked for", async () => {
  for (const protocol of ["tcp", "websocket", "h2c"]) {
    const answer = await say(
      head("GET", "/v1.51/containers/good/json", { Connection: "Upgrade, close", Upgrade: protocol }),
      false,
    );
    assert.match(answer, /^HTTP\/1\.1 200 .*"Name":"\/good"/s);
  }
  isRefusal(await say(head("POST", "/v1.51/nothing", { Connection: "Upgrade", Upgrade: "tcp" })), /^HTTP\/1\.1 404 /);
  isRefusal(
    await say(head("POST", "/v1.51/containers/nothere/attach?stream=1", { Connection: "Upgrade", Upgrade: "tcp" })),
    /^HTTP\/1\.1 404 /,
  );
  await isAlive();
});

test("CONNECT is refused", async () => {
  const answer = await say("CONNECT 127.0.0.1:80 HTTP/1.1\r\nHost: x\r\n\r\n", false);
  assert.match(answer, /^(HTTP\/1\.1 4|$)/);
  await isAlive();
});

test("an expectation that is none is refused", async () => {
  const answer = await say(
    head("POST", "/v1.51/containers/create", { Expect: "miracles", "Content-Length": "0", Connection: "close" }),
    false,
  );
  assert.match(answer, /^HTTP\/1\.1 4\d\d /);
});

test("input for a stream before its answer does no harm", async () => {
  const socket = await rawConnection(host.socket);
  const path = "/v1.51/containers/good/attach?stream=1&stdin=1&stdout=1";
  socket.write(`${head("POST", path, { Connection: "Upgrade", Upgrade: "tcp" })}${"early input\n".repeat(1000)}`);
  await once(socket, "readable");
  assert.match(String(socket.read()), /^HTTP\/1\.1 101 /);
  socket.destroy();
});

test(`${halfOpen} half-open requests harm nobody, and go in time`, async () => {
  const half: Socket[] = [];
  for (let index = 0; index < halfOpen; index++) {
    const socket = await rawConnection(host.socket);
    socket.write(
      index % 2 === 0
        ? "GET /_ping HTTP/1.1\r\nHo"
        : head("POST", "/v1.51/containers/create", { ...json, "Content-Length": "100" }) + "{",
    );
    half.push(socket);
  }
  const run = await host.docker(["run", "--rm", "busybox", "echo", "hi"]);
  assert.deepEqual(run, { stdout: "hi\n", stderr: "", code: 0 });
  for (const socket of half) socket.destroy();
  await poll("the daemon has let go of them", async () => (await figuresOf(host)).files <= figures.files);
});
