import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { conflict } from "../base/errors.ts";
import type { Image } from "../images/images.ts";
import { fakeServices } from "./testing/fakes.ts";
import { bridge, exited, image, running, volume } from "./testing/samples.ts";
import { startServer } from "./testing/server.ts";

const older = {
  ...exited,
  id: "0".repeat(64),
  name: "old",
  created: "2020-01-01T00:00:00Z",
  config: { Labels: { keep: "1" } },
};

describe("pruning", () => {
  const prune = async (services: ReturnType<typeof fakeServices>, what: string, filters = {}, version = "1.51") => {
    await using server = await startServer(services);
    const query = `filters=${encodeURIComponent(JSON.stringify(filters))}`;
    return await server.fetch("POST", `/v${version}/${what}/prune?${query}`);
  };

  it("containers takes those that do not run", async () => {
    const list = () => [running, exited, older];
    const all = await prune(fakeServices({ containers: { list, remove: async () => {} } }), "containers");
    assert.deepEqual(all.json, { ContainersDeleted: [exited.id, older.id], SpaceReclaimed: 24 });
    const some = fakeServices({ containers: { list, remove: async () => {} } });
    assert.deepEqual((await prune(some, "containers", { until: ["2021-01-01"] })).json, {
      ContainersDeleted: [older.id],
      SpaceReclaimed: 12,
    });
    const labelled = fakeServices({ containers: { list, remove: async () => {} } });
    assert.deepEqual((await prune(labelled, "containers", { "label!": ["keep"] })).json, {
      ContainersDeleted: [exited.id],
      SpaceReclaimed: 12,
    });
    const bad = await prune(fakeServices(), "containers", { foo: ["a"] });
    assert.deepEqual([bad.status, bad.json], [400, { message: "invalid filter 'foo'" }]);
  });

  it("containers leaves out what was started meanwhile", async () => {
    const remove = async (): Promise<void> => {
      throw conflict("container is running");
    };
    const answer = await prune(fakeServices({ containers: { list: () => [exited], remove } }), "containers");
    assert.deepEqual(answer.json, { ContainersDeleted: null, SpaceReclaimed: 0 });
  });

  it("images takes the nameless ones, and those that have a name where it is asked to", async () => {
    const nameless: Image = { ...image, id: `sha256:${"5".repeat(64)}`, tags: [], digests: [], size: 10 };
    const named: Image = { ...image, id: `sha256:${"6".repeat(64)}`, tags: ["a:1", "a:2"], size: 5 };
    const services = () =>
      fakeServices({
        images: {
          list: () => [image, nameless, named],
          remove: async (_op, reference) => [{ deleted: reference as Image["id"] }],
        },
      });
    assert.deepEqual((await prune(services(), "images")).json, {
      ImagesDeleted: [{ Deleted: nameless.id }],
      SpaceReclaimed: 10,
    });
    const all = services();
    await prune(all, "images", { dangling: ["false"] });
    const removed = all.asked.filter(({ name }) => name === "remove").map(({ args }) => args[0]);
    assert.deepEqual(removed, [nameless.id, "a:1", "a:2"]);
  });

  it("volumes takes anonymous ones, before 1.42 and with all=1 every unused one", async () => {
    const spare = { ...volume, name: "spare" };
    const nameless = { ...volume, name: "f00", anonymous: true };
    const services = () => fakeServices({ volumes: { list: () => [volume, spare, nameless], remove: async () => {} } });
    const removed = async (filters = {}, version = "1.51"): Promise<unknown> =>
      ((await prune(services(), "volumes", filters, version)).json as { VolumesDeleted: unknown }).VolumesDeleted;
    assert.deepEqual(await removed(), ["f00"]);
    assert.deepEqual(await removed({ all: ["1"] }), ["spare", "f00"]);
    assert.deepEqual(await removed({}, "1.41"), ["spare", "f00"]);
  });

  it("networks takes the user's own that are empty", async () => {
    const empty = { ...bridge, id: "2".repeat(64), name: "empty" };
    const busy = { ...bridge, id: "3".repeat(64), name: "busy" };
    const services = fakeServices({
      networks: {
        list: () => [bridge, empty, busy],
        endpoints: (id) =>
          id === busy.id ? [{ ...running.sandbox!.endpoints[0]!, containerId: "x", containerName: "x" }] : [],
        remove: async () => {},
      },
    });
    assert.deepEqual((await prune(services, "networks")).json, { NetworksDeleted: ["empty"] });
  });
});
