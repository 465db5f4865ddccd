import assert from "node:assert/strict";
import { test } from "node:test";
import { isKind } from "../base/errors.ts";
import type { ContainerConfig, HostConfig, NetworkingConfig } from "../client/endpoints/container-config.ts";
import type { Sandbox } from "../networks/networks.ts";
import type { Container } from "./containers.ts";
import type { ContainerRecords } from "./records.ts";
import { networkModeOf, sandboxRequest } from "./sandbox-request.ts";
import { createdState, sampleContainer } from "./testing/samples.ts";

const sandbox: Sandbox = {
  ...{ id: "other", containerName: "other", kind: "own", namespace: "/run/netns/other", endpoints: [], ports: [] },
  ...{ hostNames: "", hostsFile: "", resolvConf: "" },
};

function request(
  hostConfig: HostConfig,
  {
    config = {},
    networking = {},
    other,
  }: { config?: ContainerConfig; networking?: NetworkingConfig; other?: Container } = {},
) {
  const records = { resolve: () => other! } as unknown as ContainerRecords;
  const container = sampleContainer({ id: "c".repeat(64), name: "web", config, hostConfig, networking });
  return sandboxRequest({ records }, container);
}

test("no mode, an empty one and `default` are the default bridge; a disabled network is none", () => {
  for (const hostConfig of [{}, { NetworkMode: "" }, { NetworkMode: "default" }, { NetworkMode: "bridge" }]) {
    assert.equal(networkModeOf({ config: {}, hostConfig }), "bridge");
    const { mode, endpoints } = request(hostConfig);
    assert.deepEqual(mode, { kind: "networks" });
    assert.deepEqual(
      endpoints.map(({ network }) => network),
      ["bridge"],
    );
  }
  assert.equal(networkModeOf({ config: { NetworkDisabled: true }, hostConfig: { NetworkMode: "bridge" } }), "none");
});

test("host and none have neither endpoints nor ports", () => {
  for (const kind of ["host", "none"] as const) {
    const { mode, endpoints, ports } = request({ NetworkMode: kind, PortBindings: { "80/tcp": [{ HostPort: "1" }] } });
    assert.deepEqual([mode, endpoints, ports], [{ kind }, [], []]);
  }
});

test("the mode's own network comes first, and the others follow with what was asked of them", () => {
  const { endpoints } = request(
    { NetworkMode: "front" },
    {
      config: { MacAddress: "02:00:00:00:00:01" },
      networking: {
        EndpointsConfig: {
          back: { Aliases: ["db"], GwPriority: 5 },
          front: { IPAMConfig: { IPv4Address: "10.0.0.9", IPv6Address: "" } },
        },
      },
    },
  );
  const [front, back] = endpoints;
  assert.deepEqual(
    [front!.network, front!.ipv4, front!.ipv6, front!.mac],
    ["front", "10.0.0.9", undefined, "02:00:00:00:00:01"],
  );
  assert.deepEqual([back!.network, back!.aliases, back!.gatewayPriority, back!.mac], ["back", ["db"], 5, undefined]);
});

test("`default` among the endpoints is the bridge's", () => {
  const { endpoints } = request(
    {},
    { networking: { EndpointsConfig: { default: { MacAddress: "02:00:00:00:00:02" } } } },
  );
  assert.deepEqual(
    endpoints.map(({ network, mac }) => [network, mac]),
    [["bridge", "02:00:00:00:00:02"]],
  );
});

test("an endpoint's own MAC address goes before the container's", () => {
  const networking = { EndpointsConfig: { bridge: { MacAddress: "02:00:00:00:00:02" } } };
  const { endpoints } = request({}, { config: { MacAddress: "02:00:00:00:00:01" }, networking });
  assert.equal(endpoints[0]!.mac, "02:00:00:00:00:02");
});

test("another's namespace is shared while it runs", () => {
  const running = sampleContainer({ id: "other", sandbox, state: { ...createdState, status: "running" } });
  const { mode, endpoints, ports } = request({ NetworkMode: "container:other" }, { other: running });
  assert.deepEqual([mode, endpoints, ports], [{ kind: "container", sandbox }, [], []]);
  const exited = { ...running, state: { ...createdState, status: "exited" as const } };
  assert.throws(
    () => request({ NetworkMode: "container:other" }, { other: exited }),
    (error) => isKind(error, "conflict") && error.message === "cannot join network of a non running container: other",
  );
});

test("names and resolver settings go along", () => {
  const made = request(
    { Dns: ["1.1.1.1"], DnsSearch: ["a.test"], DnsOptions: ["ndots:1"], ExtraHosts: ["db:10.0.0.1"] },
    { config: { Hostname: "h", Domainname: "d.test" } },
  );
  assert.deepEqual(
    [made.containerName, made.hostname, made.domainname, made.dns, made.dnsSearch, made.dnsOptions, made.extraHosts],
    ["web", "h", "d.test", ["1.1.1.1"], ["a.test"], ["ndots:1"], ["db:10.0.0.1"]],
  );
  assert.equal(request({}).hostname, "c".repeat(12));
});

test("a malformed port is refused", () => {
  assert.throws(
    () => request({ PortBindings: { "80/tcp": [{ HostPort: "x" }] } }),
    (error) => isKind(error, "invalid"),
  );
});
