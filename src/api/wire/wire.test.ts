import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { ContainerState } from "../../containers/containers.ts";
import { exited, image, running, system } from "../testing/samples.ts";
import { containerInspect } from "./container-inspect.ts";
import { containerSummary } from "./container-summary.ts";
import { execInspect } from "./exec.ts";
import { hostConfigToWire } from "./host-config.ts";
import { imageSummary } from "./images.ts";
import { humanDuration, statusText } from "./status.ts";

const seconds = (n: number): number => n * 1000;
const hours = (n: number): number => n * 3600 * 1000;

describe("spans of time", () => {
  for (const [span, text] of [
    [0, "Less than a second"],
    [seconds(1), "1 second"],
    [seconds(59), "59 seconds"],
    [seconds(60), "About a minute"],
    [seconds(150), "2 minutes"],
    [hours(1), "About an hour"],
    [hours(1.5), "2 hours"],
    [hours(47), "47 hours"],
    [hours(48), "2 days"],
    [hours(24 * 13), "13 days"],
    [hours(24 * 14), "2 weeks"],
    [hours(24 * 60), "2 months"],
    [hours(24 * 365 * 3), "3 years"],
  ] as const) {
    it(`${span} ms: ${text}`, () => assert.equal(humanDuration(span), text));
  }
});

describe("a container's status", () => {
  const now = Date.parse("2026-01-03T00:05:00Z");
  const state = (change: Partial<ContainerState>): ContainerState => ({ ...running.state, ...change });
  for (const [given, text] of [
    [state({}), "Up 4 minutes"],
    [state({ status: "paused" }), "Up 4 minutes (Paused)"],
    [state({ status: "exited", exitCode: 137, finishedAt: "2026-01-03T00:04:50Z" }), "Exited (137) 10 seconds ago"],
    [state({ status: "restarting", exitCode: 1, finishedAt: "2026-01-03T00:04:59Z" }), "Restarting (1) 1 second ago"],
    [state({ status: "created" }), "Created"],
    [state({ status: "removing" }), "Removal In Progress"],
    [state({ status: "dead" }), "Dead"],
  ] as const) {
    it(text, () => assert.equal(statusText(given, now), text));
  }
});

describe("a container", () => {
  it("is listed with its ports and networks", () => {
    const summary = containerSummary(running, Date.now());
    assert.equal(summary.Command, "httpd -f -h '/a b'");
    assert.deepEqual(summary.Ports, [
      { IP: "0.0.0.0", PrivatePort: 80, PublicPort: 8080, Type: "tcp" },
      { IP: "::", PrivatePort: 80, PublicPort: 8080, Type: "tcp" },
      { PrivatePort: 81, Type: "tcp" },
    ]);
    assert.equal(summary.NetworkSettings.Networks["bridge"]?.IPAddress, "172.17.0.2");
    assert.ok(!("SizeRw" in summary));
  });

  it("is inspected with its addresses while it runs", () => {
    const { NetworkSettings: settings, ...rest } = containerInspect(running, system);
    assert.deepEqual(settings.Ports, {
      "80/tcp": [
        { HostIp: "0.0.0.0", HostPort: "8080" },
        { HostIp: "::", HostPort: "8080" },
      ],
      "81/tcp": null,
    });
    assert.equal(settings.IPAddress, "172.17.0.2");
    assert.equal(settings.IPPrefixLen, 16);
    assert.equal(settings.MacAddress, "02:42:ac:11:00:02");
    assert.equal(rest.Name, "/web");
    assert.deepEqual(rest.Config.Cmd, ["httpd", "-f", "-h", "/a b"]);
    assert.equal(rest.Config.Entrypoint, null);
    assert.ok(!("Health" in rest.State));
  });

  it("is inspected without addresses after it", () => {
    const { NetworkSettings: settings, State: state } = containerInspect(exited, system);
    assert.deepEqual(settings.Ports, {});
    assert.equal(settings.IPAddress, "");
    assert.deepEqual(Object.keys(settings.Networks), ["bridge"]);
    assert.equal(state.Running, false);
    assert.equal(state.ExitCode, 1);
  });

  it("on no network, the host's or another's is shown so", () => {
    const on = (mode: string): string[] =>
      Object.keys(containerInspect({ ...exited, hostConfig: { NetworkMode: mode } }, system).NetworkSettings.Networks);
    assert.deepEqual(on("host"), ["host"]);
    assert.deepEqual(on("none"), ["none"]);
    assert.deepEqual(on("default"), ["bridge"]);
    assert.deepEqual(on(`container:${running.id}`), []);
  });

  it("of the host's network has no port of its own", () => {
    const sandbox = { ...running.sandbox!, kind: "host" as const, endpoints: [], ports: [] };
    const host = { ...running, hostConfig: { NetworkMode: "host" }, sandbox };
    assert.deepEqual(containerSummary(host, 0).Ports, []);
    assert.deepEqual(containerInspect(host, system).NetworkSettings.Ports, {});
  });
});

describe("a host configuration", () => {
  it("has Docker's defaults", () => {
    const shown = hostConfigToWire({}, "bridge", "crun");
    assert.equal(Object.keys(shown).length, 63);
    assert.equal(shown.ShmSize, 67108864);
    assert.equal(shown.Runtime, "crun");
    assert.deepEqual(shown.RestartPolicy, { Name: "no", MaximumRetryCount: 0 });
    assert.equal(shown.PidsLimit, null);
    assert.equal(shown.MaskedPaths?.length, 12);
  });

  it("keeps what the user said", () => {
    const shown = hostConfigToWire(
      {
        Memory: 5,
        Privileged: true,
        RestartPolicy: { Name: "always" },
        NetworkMode: "",
        ShmSize: 0,
        Init: false,
        PidsLimit: -1,
        MemorySwappiness: undefined,
      },
      "bridge",
      "crun",
    );
    assert.equal(shown.Memory, 5);
    assert.equal(shown.MaskedPaths, null);
    assert.equal(shown.ReadonlyPaths, null);
    assert.deepEqual(shown.RestartPolicy, { Name: "always", MaximumRetryCount: 0 });
    assert.equal(shown.NetworkMode, "bridge");
    assert.equal(shown.ShmSize, 67108864);
    assert.equal(shown.Init, false);
    assert.equal(shown.PidsLimit, null);
    assert.equal(shown.MemorySwappiness, null);
  });
});

describe("an image", () => {
  const nameless = { ...image, tags: [], digests: [], config: { ...image.config, created: undefined } };
  it("without a name is <none> for clients before 1.43", () => {
    assert.deepEqual(imageSummary(nameless, {}, "1.42").RepoTags, ["<none>:<none>"]);
    assert.deepEqual(imageSummary(nameless, {}, "1.43").RepoTags, []);
  });
  it("without a date has Go's", () => assert.equal(imageSummary(nameless, {}, "1.51").Created, -62135596800));
});

describe("an exec", () => {
  it("shows its command in two parts", () => {
    const shown = execInspect({
      id: "e",
      containerId: "c",
      config: { Cmd: ["sh", "-c", "true"], Tty: true, AttachStdout: true },
      running: false,
      exitCode: 3,
      pid: 0,
    });
    assert.deepEqual(shown.ProcessConfig, {
      tty: true,
      entrypoint: "sh",
      arguments: ["-c", "true"],
      privileged: false,
    });
    assert.equal(shown.ExitCode, 3);
    assert.deepEqual([shown.OpenStdin, shown.OpenStdout, shown.OpenStderr], [false, true, false]);
  });
});
