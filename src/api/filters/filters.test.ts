import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { notFound } from "../../base/errors.ts";
import type { Container } from "../../containers/containers.ts";
import type { Image } from "../../images/images.ts";
import type { Network } from "../../networks/networks.ts";
import { fakeServices } from "../testing/fakes.ts";
import { bridge, exited, image, running, volume } from "../testing/samples.ts";
import { startServer } from "../testing/server.ts";
import { containerFilter } from "./containers.ts";
import { imageFilter } from "./images.ts";
import { networkFilter } from "./networks.ts";
import { volumeFilter, volumeUsers } from "./volumes.ts";

const services = fakeServices();

describe("filters of containers", () => {
  const names = (filters: Record<string, string[]>, among: Container[] = [running, exited]): string[] =>
    among.filter(containerFilter(filters, services.containers, services.images)).map(({ name }) => name);

  for (const [filters, wanted] of [
    [{}, ["web", "job"]],
    [{ name: ["we"] }, ["web"]],
    [{ name: ["^/web$"] }, ["web"]],
    [{ name: ["web", "job"] }, ["web", "job"]],
    [{ id: [running.id.slice(0, 5)] }, ["web"]],
    [{ label: ["tier"] }, ["web"]],
    [{ label: ["tier=back"] }, []],
    [{ status: ["exited"] }, ["job"]],
    [{ exited: ["1", "2"] }, ["job"]],
    [{ exited: ["0"] }, []],
    [{ ancestor: ["busybox"] }, ["web", "job"]],
    [{ ancestor: ["nope"] }, []],
    [{ before: ["web"] }, ["job"]],
    [{ since: ["job"] }, ["web"]],
    [{ volume: ["vol1"] }, ["web"]],
    [{ volume: ["/data"] }, ["web"]],
    [{ network: ["bridge"] }, ["web", "job"]],
    [{ network: [bridge.id.slice(0, 12)] }, ["web"]],
    [{ network: ["other"] }, []],
    [{ publish: ["8080"] }, ["web"]],
    [{ publish: ["80"] }, []],
    [{ publish: ["8000-9000/tcp"] }, ["web"]],
    [{ expose: ["81/tcp"] }, ["web"]],
    [{ expose: ["81/udp"] }, []],
    [{ health: ["none"] }, ["web", "job"]],
    [{ health: ["healthy"] }, []],
    [{ "is-task": ["true"] }, []],
    [{ "is-task": ["false"] }, ["web", "job"]],
    [{ isolation: ["default"] }, ["web", "job"]],
    [{ status: ["running"], name: ["job"] }, []],
  ] as Array<[Record<string, string[]>, string[]]>) {
    it(`${JSON.stringify(filters)} finds ${wanted.join(", ") || "none"}`, () =>
      assert.deepEqual(names(filters), wanted));
  }

  for (const [filters, message] of [
    [{ foo: ["a"] }, "invalid filter 'foo'"],
    [
      { status: ["bad"] },
      "invalid filter 'status=bad': invalid value for state (bad): must be one of created, running, paused, restarting, removing, exited, dead",
    ],
    [{ exited: ["bad"] }, "invalid filter 'exited=bad': strconv.Atoi: parsing \"bad\": invalid syntax"],
    [
      { health: ["bad"] },
      "invalid filter 'health=bad': invalid value for health (bad): must be one of none, starting, healthy, unhealthy",
    ],
    [{ "is-task": ["bad"] }, "invalid filter 'is-task=[bad]'"],
    [{ publish: ["bad"] }, "error while looking up for publish bad: invalid port or port range"],
    [{ before: ["nope"] }, "No such container: nope"],
  ] as Array<[Record<string, string[]>, string]>) {
    it(`${JSON.stringify(filters)}: ${message}`, () => assert.throws(() => names(filters), { message }));
  }

  it("imply which containers are looked at", async () => {
    const own = fakeServices();
    await using server = await startServer(own);
    const found = async (query: string): Promise<string[]> => {
      const { json } = await server.fetch("GET", `/containers/json?${query}`);
      return (json as Array<{ Names: string[] }>).map(({ Names }) => Names[0]!);
    };
    assert.deepEqual(await found(""), ["/web"]);
    assert.deepEqual(await found("all=1"), ["/web", "/job"]);
    assert.deepEqual(await found("limit=1"), ["/web"]);
    assert.deepEqual(await found("limit=-1"), ["/web"]);
    assert.deepEqual(await found("limit=5"), ["/web", "/job"]);
    assert.deepEqual(await found('filters={"status":{"exited":true}}'), ["/job"]);
    assert.deepEqual(await found('filters={"exited":["1"]}'), []);
  });
});

describe("filters of images", () => {
  const nameless: Image = {
    ...image,
    id: `sha256:${"5".repeat(64)}`,
    tags: [],
    digests: [],
    config: { ...image.config, created: "2026-02-01T00:00:00Z", config: {} },
  };
  const images = {
    resolve: (reference: string): Image => {
      if (reference === "busybox") return image;
      throw notFound(`No such image: ${reference}:latest`);
    },
  };
  const found = (filters: Record<string, string[]>): Image[] => [image, nameless].filter(imageFilter(filters, images));

  for (const [filters, wanted] of [
    [{}, [image, nameless]],
    [{ dangling: ["true"] }, [nameless]],
    [{ dangling: ["false"] }, [image]],
    [{ label: ["kind=small"] }, [image]],
    [{ "label!": ["kind"] }, [nameless]],
    [{ since: ["busybox"] }, [nameless]],
    [{ before: ["busybox"] }, []],
    [{ until: ["2026-01-15"] }, [image]],
    [{ reference: ["busybox"] }, [image]],
    [{ reference: ["busybox:latest"] }, [image]],
    [{ reference: ["busy*:l?test"] }, [image]],
    [{ reference: ["[a-c]usybox"] }, [image]],
    [{ reference: ["busy"] }, []],
    [{ reference: ["b.sybox"] }, []],
  ] as Array<[Record<string, string[]>, Image[]]>) {
    it(`${JSON.stringify(filters)} finds ${wanted.length}`, () => assert.deepEqual(found(filters), wanted));
  }

  for (const filters of [
    { foo: ["a"] },
    { dangling: ["x"] },
    { until: ["x"] },
    { reference: ["["] },
    { before: ["x"] },
  ])
    it(`${JSON.stringify(filters)} is an error`, () => assert.throws(() => found(filters as never)));
});

describe("filters of networks", () => {
  const custom: Network = { ...bridge, id: "2".repeat(64), name: "net", labels: { a: "b" }, driver: "macvlan" };
  const names = (filters: Record<string, string[]>): string[] =>
    [bridge, custom].filter(networkFilter(filters, ({ name }) => name === "bridge")).map(({ name }) => name);

  for (const [filters, wanted] of [
    [{}, ["bridge", "net"]],
    [{ driver: ["macvlan"] }, ["net"]],
    [{ name: ["^br"] }, ["bridge"]],
    [{ id: ["^2"] }, ["net"]],
    [{ label: ["a=b"] }, ["net"]],
    [{ scope: ["swarm"] }, []],
    [{ type: ["builtin"] }, ["bridge"]],
    [{ type: ["custom"] }, ["net"]],
    [{ dangling: ["true"] }, ["net"]],
    [{ dangling: ["false"] }, ["bridge"]],
  ] as Array<[Record<string, string[]>, string[]]>) {
    it(`${JSON.stringify(filters)} finds ${wanted.join(", ") || "none"}`, () =>
      assert.deepEqual(names(filters), wanted));
  }
  it("refuse what they do not know", () => {
    assert.throws(() => names({ type: ["a"] }), { message: "invalid filter: 'type'='a'" });
    assert.throws(() => names({ dangling: ["a"] }), /must be "true"/);
    assert.throws(() => names({ foo: ["a"] }), { message: "invalid filter 'foo'" });
  });
});

describe("filters of volumes", () => {
  const users = volumeUsers([running, exited]);
  const spare = { ...volume, name: "spare", labels: { a: "b" } };
  const names = (filters: Record<string, string[]>): string[] =>
    [volume, spare].filter(volumeFilter(filters, users)).map(({ name }) => name);

  for (const [filters, wanted] of [
    [{}, ["vol1", "spare"]],
    [{ dangling: ["1"] }, ["spare"]],
    [{ dangling: ["0"] }, ["vol1"]],
    [{ name: ["sp"] }, ["spare"]],
    [{ label: ["a"] }, ["spare"]],
    [{ driver: ["nfs"] }, []],
  ] as Array<[Record<string, string[]>, string[]]>) {
    it(`${JSON.stringify(filters)} finds ${wanted.join(", ") || "none"}`, () =>
      assert.deepEqual(names(filters), wanted));
  }
});
