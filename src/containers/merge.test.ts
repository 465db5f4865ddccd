import assert from "node:assert/strict";
import { test } from "node:test";
import type { ContainerConfig } from "../client/endpoints/container-config.ts";
import type { ImageRunConfig } from "../oci/image.ts";
import { mergeConfig } from "./merge.ts";

const image: ImageRunConfig = { Entrypoint: ["/entry", "-x"], Cmd: ["cmd", "arg"] };
const commands: ReadonlyArray<
  [request: ContainerConfig, image: ImageRunConfig | undefined, command: string[] | undefined]
> = [
  [{}, image, ["/entry", "-x", "cmd", "arg"]],
  [{ Cmd: ["own"] }, image, ["/entry", "-x", "own"]],
  [{ Cmd: [] }, image, ["/entry", "-x", "cmd", "arg"]],
  [{ Cmd: null, Entrypoint: null }, image, ["/entry", "-x", "cmd", "arg"]],
  [{ Entrypoint: ["/mine"] }, image, ["/mine"]],
  [{ Entrypoint: ["/mine"], Cmd: ["own"] }, image, ["/mine", "own"]],
  [{ Entrypoint: [] }, image, ["cmd", "arg"]],
  [{ Entrypoint: [], Cmd: ["own"] }, image, ["own"]],
  [{ Entrypoint: [""] }, image, undefined],
  [{ Entrypoint: [""], Cmd: ["own"] }, image, ["own"]],
  [{ Entrypoint: "/mine -v" }, image, ["/mine -v"]],
  [{ Entrypoint: "" }, image, undefined],
  [{ Cmd: "echo hi" }, {}, ["echo hi"]],
  [{ Cmd: [""] }, {}, [""]],
  [{}, undefined, undefined],
  [{ Cmd: [] }, {}, undefined],
];
for (const [request, from, command] of commands)
  test(`the command of ${JSON.stringify(request)} on ${JSON.stringify(from)}`, () => {
    if (command === undefined)
      return assert.throws(() => mergeConfig(request, from), { kind: "invalid", message: "no command specified" });
    const { path, args } = mergeConfig(request, from);
    assert.deepEqual([path, ...args], command);
  });

test("environment, labels, ports and volumes are united, the request's over the image's", () => {
  const { config } = mergeConfig(
    {
      Cmd: ["x"],
      Env: ["B=own", "C"],
      Labels: { a: "own" },
      ExposedPorts: { "80/tcp": {} },
      Volumes: { "/v": {} },
    },
    {
      Env: ["A=1", "B=2", "C=3"],
      Labels: { a: "image", b: "image" },
      ExposedPorts: { "80/tcp": {}, "53/udp": {} },
      Volumes: { "/w": {} },
    },
  );
  assert.deepEqual(config.Env, ["B=own", "C", "A=1"]);
  assert.deepEqual(config.Labels, { a: "own", b: "image" });
  assert.deepEqual(Object.keys(config.ExposedPorts ?? {}).sort(), ["53/udp", "80/tcp"]);
  assert.deepEqual(Object.keys(config.Volumes ?? {}).sort(), ["/v", "/w"]);
});

test("user, folder, stop signal, shell and health check come from the image where the request is silent", () => {
  const from: ImageRunConfig = {
    Cmd: ["x"],
    User: "app",
    WorkingDir: "/srv/./x/",
    StopSignal: "SIGQUIT",
    Shell: ["/bin/bash", "-c"],
    Healthcheck: { Test: ["CMD", "true"], Interval: 5, Retries: 3 },
  };
  const silent = mergeConfig({}, from).config;
  assert.equal(silent.User, "app");
  assert.equal(silent.WorkingDir, "/srv/x");
  assert.equal(silent.StopSignal, "SIGQUIT");
  assert.deepEqual(silent.Shell, ["/bin/bash", "-c"]);
  assert.deepEqual(silent.Healthcheck, { Test: ["CMD", "true"], Interval: 5, Retries: 3 });
  const own = mergeConfig(
    { User: "0", WorkingDir: "/", StopSignal: "9", Healthcheck: { Interval: 7, Retries: 0 } },
    from,
  ).config;
  assert.equal(own.User, "0");
  assert.equal(own.WorkingDir, "/");
  assert.equal(own.StopSignal, "9");
  assert.deepEqual(own.Healthcheck, { Test: ["CMD", "true"], Interval: 7, Retries: 3 });
  assert.deepEqual(mergeConfig({ Healthcheck: { Test: ["NONE"] } }, from).config.Healthcheck?.Test, ["NONE"]);
});

test("a working directory is absolute", () => {
  assert.throws(() => mergeConfig({ Cmd: ["x"], WorkingDir: "rel" }), {
    kind: "invalid",
    message: "the working directory 'rel' is invalid, it needs to be an absolute path",
  });
  assert.equal(mergeConfig({ Cmd: ["x"], WorkingDir: "/a/../b/" }).config.WorkingDir, "/b");
});
