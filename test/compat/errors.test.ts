import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { openTarget, type Target } from "./target.ts";

let target: Target;
before(async () => {
  target = await openTarget();
});
after(() => target?.[Symbol.asyncDispose]());

/** `docker` is what Docker answers where we differ on purpose: a malformed request is the caller's fault, so 400 it is. */
type Case = readonly [method: string, path: string, body: unknown, status: number, message: RegExp, docker?: number];

const create = "/v1.51/containers/create";
const cases: readonly Case[] = [
  ["GET", "/v1.51/containers/nope/json", undefined, 404, /No such container: nope/],
  ["POST", "/v1.51/containers/nope/start", undefined, 404, /No such container: nope/],
  ["DELETE", "/v1.51/containers/nope", undefined, 404, /No such container: nope/],
  ["GET", "/v1.51/images/nope/json", undefined, 404, /No such image: nope:latest/],
  ["GET", "/v1.51/networks/nope", undefined, 404, /network nope not found/],
  ["GET", "/v1.51/volumes/nope", undefined, 404, /get nope: no such volume/],
  ["GET", "/v1.51/exec/nope/json", undefined, 404, /No such exec instance: nope/],
  ["GET", "/v1.51/nothing/here", undefined, 404, /page not found/],
  ["GET", "/v1.23/version", undefined, 400, /client version 1\.23 is too old/],
  ["GET", "/v9.99/version", undefined, 400, /client version 9\.99 is too new/],
  ["POST", create, { Image: "nope" }, 404, /No such image: nope:latest/],
  ["POST", create, { Image: "Bad Ref" }, 400, /invalid reference format/],
  ["POST", create, "{", 400, /./],
  ["POST", create, { Image: 5 }, 400, /./],
  ["POST", create, { Image: "busybox", Env: "A=1" }, 400, /./],
  ["POST", create, { Image: "busybox", Env: ["=x"] }, 400, /invalid environment variable: =x/],
  ["POST", `${create}?name=!x`, { Image: "busybox" }, 400, /Invalid container name \(!x\)/],
  ["POST", create, { Image: "busybox", HostConfig: { Memory: 1000 } }, 400, /Minimum memory limit allowed is 6MB/],
  [
    "POST",
    create,
    { Image: "busybox", HostConfig: { Binds: ["a:b:c:d"] } },
    400,
    /invalid volume specification: 'a:b:c:d'/,
    500,
  ],
  [
    "POST",
    create,
    { Image: "busybox", HostConfig: { Binds: ["/nope-here:rel"] } },
    400,
    /mount path must be absolute/,
    500,
  ],
  [
    "POST",
    create,
    { Image: "busybox", HostConfig: { Mounts: [{ Type: "bind", Source: "/nope-here", Target: "/x" }] } },
    400,
    /bind source path does not exist: \/nope-here/,
  ],
  [
    "POST",
    create,
    { Image: "busybox", HostConfig: { Mounts: [{ Type: "what", Target: "/x" }] } },
    400,
    /mount type unknown|invalid mount config/,
  ],
  ["POST", create, { Image: "busybox", HostConfig: { PortBindings: { "x/tcp": [{ HostPort: "1" }] } } }, 400, /./],
  ["POST", create, { Image: "busybox", HostConfig: { PortBindings: { "80/tcp": [{ HostPort: "99999" }] } } }, 400, /./],
  [
    "POST",
    create,
    { Image: "busybox", HostConfig: { RestartPolicy: { Name: "often" } } },
    400,
    /invalid restart policy/,
  ],
  [
    "POST",
    create,
    { Image: "busybox", HostConfig: { AutoRemove: true, RestartPolicy: { Name: "always" } } },
    400,
    /can't create 'AutoRemove' container with restart policy/,
  ],
  ["POST", create, { Image: "busybox", StopSignal: "NOPE" }, 400, /[Ii]nvalid signal: NOPE/],
  ["POST", create, { Image: "busybox", HostConfig: { Runtime: "nope" } }, 400, /unknown or invalid runtime name: nope/],
  ["GET", "/v1.51/containers/json?filters=nope", undefined, 400, /./],
  ["GET", '/v1.51/containers/json?filters={"nope":["x"]}', undefined, 400, /invalid filter 'nope'/],
  ["GET", "/v1.51/containers/json?limit=x", undefined, 400, /./, 500],
  ["POST", "/v1.51/containers/nope/wait?condition=never", undefined, 400, /invalid condition: "never"/],
  ["POST", "/v1.51/images/load", Buffer.from("this is no archive"), 500, /./, 200],
  ["POST", "/v1.51/images/nope/tag?repo=x", undefined, 404, /No such image: nope/],
  [
    "POST",
    "/v1.51/images/busybox/tag?repo=UPPER",
    undefined,
    400,
    /invalid reference format: repository name .*must be lowercase/,
  ],
  ["DELETE", "/v1.51/images/nope", undefined, 404, /No such image: nope/],
  ["DELETE", "/v1.51/networks/bridge", undefined, 403, /bridge is a pre-defined network and cannot be removed/],
  ["POST", "/v1.51/volumes/create", { Name: "bad/name" }, 400, /includes invalid characters for a local volume name/],
  ["POST", "/v1.51/containers/nope/exec", { Cmd: ["true"] }, 404, /No such container: nope/],
];

describe("bad input", () => {
  for (const [method, path, body, status, message, docker] of cases)
    test(`${method} ${path} ${JSON.stringify(body)?.slice(0, 90) ?? ""} is ${status}`, async () => {
      const answer = await target.api(method, path, body);
      assert.equal(answer.status, target.oracle ? (docker ?? status) : status, answer.text);
      assert.match(answer.json?.message ?? answer.text, message);
    });

  test("nothing is left behind", async () => {
    assert.deepEqual((await target.api("GET", "/v1.51/containers/json?all=1")).json, []);
    assert.equal((await target.api("GET", "/v1.51/images/json")).json.length, 1);
  });
});
