import { isolate } from "../../kernel/testing/isolate.ts";

isolate(import.meta.url);

import assert from "node:assert/strict";
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { connect, createServer, type Server, type Socket } from "node:net";
import { afterEach, describe, test } from "node:test";
import { setImmediate } from "node:timers/promises";
import type { PortRequest } from "../networks.ts";
import { Peer } from "../testing/peer.ts";
import { HostPorts } from "./host-ports.ts";
import { parseLocalPorts } from "./local-ports.ts";
import { socketInodes } from "./port-holder.ts";

const web = { id: "1".repeat(64), name: "web" };
const api = { id: "2".repeat(64), name: "api" };
const tcp = (hostPort?: PortRequest["hostPort"], hostIp?: string): PortRequest => ({
  containerPort: 80,
  protocol: "tcp",
  ...(hostPort === undefined ? {} : { hostPort }),
  ...(hostIp === undefined ? {} : { hostIp }),
});

describe("the reservation of host ports", () => {
  const ports = new HostPorts();
  const peers: Peer[] = [];
  afterEach(async () => {
    await ports.close();
    for (const peer of peers.splice(0)) await peer.stop();
  });
  const numbers = async (owner: typeof web, ...requests: PortRequest[]) =>
    (await ports.reserve(owner, requests)).map(({ hostIp, hostPort }) => `${hostIp} ${hostPort}`);
  const foreigner = async (protocol: "tcp" | "udp", port: number) => {
    const peer = new Peer(undefined);
    peers.push(peer);
    await peer.serve(protocol, port);
  };

  test("takes every address of the host, IPv4 and IPv6, unless one is named", async () => {
    assert.deepEqual(await numbers(web, tcp(8080), tcp(8081, "127.0.0.1"), tcp(8082, "::1")), [
      "0.0.0.0 8080",
      ":: 8080",
      "127.0.0.1 8081",
      "::1 8082",
    ]);
  });

  test("names the container that has a port", async () => {
    await ports.reserve(web, [tcp(8080)]);
    const message = "Bind for 0.0.0.0:8080 failed: port is already allocated (held by container web)";
    await assert.rejects(ports.reserve(api, [tcp(8080)]), { kind: "system", message });
    await assert.rejects(ports.reserve(api, [tcp(8080, "127.0.0.1")]), /Bind for 127\.0\.0\.1:8080 .*container web/);
    await assert.rejects(ports.reserve(api, [tcp(8080, "::1")]), /Bind for \[::1\]:8080 .*container web/);
    assert.deepEqual(await numbers(api, { ...tcp(8080), protocol: "udp" }), ["0.0.0.0 8080", ":: 8080"]);
  });

  test("names the process that has a port, of either protocol", async () => {
    await foreigner("tcp", 8090);
    await foreigner("udp", 8091);
    const node = /port is already allocated: address already in use \(held by process \d+ node\)/;
    await assert.rejects(ports.reserve(web, [tcp(8090)]), node);
    await assert.rejects(ports.reserve(web, [{ ...tcp(8091), protocol: "udp" }]), node);
  });

  test("takes all of a container's ports or none", async () => {
    await ports.reserve(web, [tcp(8080)]);
    await assert.rejects(ports.reserve(api, [tcp(8081), tcp(8080)]));
    assert.deepEqual(await numbers(web, tcp(8081)), ["0.0.0.0 8081", ":: 8081"]);
  });

  test("takes the first free port of a range", async () => {
    await ports.reserve(web, [tcp(8080)]);
    await foreigner("tcp", 8081);
    assert.deepEqual(await numbers(api, tcp({ first: 8080, last: 8083 })), ["0.0.0.0 8082", ":: 8082"]);
    await assert.rejects(ports.reserve(api, [tcp({ first: 8080, last: 8081 })]), /Bind for 0\.0\.0\.0:8081 failed/);
  });

  test("gives a free port with the same number on IPv4 and IPv6, out of the host's range", async () => {
    writeFileSync("/proc/sys/net/ipv4/ip_local_port_range", "40000 40005");
    writeFileSync("/proc/sys/net/ipv4/ip_local_reserved_ports", "40001");
    const six = createServer().listen({ port: 40002, host: "::", ipv6Only: true });
    await once(six, "listening");
    try {
      assert.deepEqual(await numbers(web, tcp(), tcp(0)), ["0.0.0.0 40000", ":: 40000", "0.0.0.0 40003", ":: 40003"]);
      assert.deepEqual(await numbers(api, tcp(), tcp()), ["0.0.0.0 40004", ":: 40004", "0.0.0.0 40005", ":: 40005"]);
      await assert.rejects(ports.reserve(api, [tcp()]), { kind: "exhausted", message: /no free host port/ });
      await ports.release(web.id);
      assert.deepEqual(await numbers(api, tcp()), ["0.0.0.0 40000", ":: 40000"]);
    } finally {
      six.close();
      writeFileSync("/proc/sys/net/ipv4/ip_local_port_range", "32768 60999");
      writeFileSync("/proc/sys/net/ipv4/ip_local_reserved_ports", "\n");
    }
  });

  test("refuses an address that is not the host's", async () => {
    const message = "failed to bind host port for 9.9.9.9:81:80/tcp: cannot assign requested address";
    await assert.rejects(ports.reserve(web, [tcp(81, "9.9.9.9")]), { kind: "system", message });
  });

  test("keeps sctp ports, which have no socket, apart as well", async () => {
    const sctp: PortRequest = { containerPort: 80, protocol: "sctp", hostPort: 8080 };
    assert.deepEqual(await numbers(web, sctp), ["0.0.0.0 8080", ":: 8080"]);
    await assert.rejects(ports.reserve(api, [sctp]), /held by container web/);
  });

  test("tells what was lost when it takes over the ports of a live container", async () => {
    await foreigner("tcp", 8081);
    const mapping = (hostPort: number) => ({
      containerPort: 80,
      protocol: "tcp" as const,
      hostIp: "0.0.0.0",
      hostPort,
    });
    assert.deepEqual(await ports.adopt(web, [mapping(8080), mapping(8081)]), [mapping(8081)]);
    await assert.rejects(ports.reserve(api, [tcp(8080)]), /held by container web/);
  });

  test("reads the kernel's tables and sysctls", () => {
    const line = (port: string, state: string, inode: number) =>
      ` 0: 00000000:${port} 00000000:0000 ${state} 00000000:00000000 00:00000000 00000000 0 0 ${inode} 1 0 100 0`;
    const table = [line("1F90", "0A", 11), line("1F90", "01", 12), line("0050", "0A", 13)].join("\n");
    assert.deepEqual(socketInodes(table, "tcp", 8080), ["11"]);
    assert.deepEqual(socketInodes(table, "udp", 8080), ["11", "12"]);
    const local = parseLocalPorts("1000\t2000\n", "1500,1600-1602\n");
    const reserved = [1500, 1501, 1600, 1602, 1603].filter(local.isReserved);
    assert.deepEqual([local.first, local.last, reserved], [1000, 2000, [1500, 1600, 1602]]);
    assert.equal(parseLocalPorts("", "").first, 32768);
  });
});

describe("forwarding by the engine's own sockets", () => {
  const ports = new HostPorts();
  let server: Server | undefined;
  afterEach(async () => {
    await ports.close();
    server?.close();
  });
  const target = async (accept: (socket: Socket) => void): Promise<number> => {
    server = createServer({ allowHalfOpen: true }, accept).listen(0, "127.0.0.1");
    await once(server, "listening");
    return (server.address() as { port: number }).port;
  };
  const published = async (containerPort: number): Promise<Socket> => {
    await ports.reserve(web, [{ containerPort, protocol: "tcp", hostPort: 8080 }]);
    ports.aim(web.id, "127.0.0.1");
    const client = connect({ host: "::1", port: 8080, allowHalfOpen: true });
    await once(client, "connect");
    return client;
  };

  test("an end of one direction leaves the other open", async () => {
    const port = await target((socket) => socket.resume().on("end", () => socket.end("after your end")));
    const client = await published(port);
    client.end("question");
    const [answer] = await once(client, "data");
    assert.equal(String(answer), "after your end");
  });

  test("a slow reader holds the writer back, and gets everything", async () => {
    const total = 256 << 20;
    let sent = 0;
    const port = await target((socket) => {
      const chunk = Buffer.alloc(1 << 20);
      const write = (): void => {
        if (sent === total) return void socket.end();
        sent += chunk.length;
        if (socket.write(chunk)) write();
        else socket.once("drain", write);
      };
      write();
    });
    const client = await published(port);
    client.pause();
    let received = 0;
    for (let turn = 0; turn < 2000; turn++) {
      await setImmediate();
      received += (client.read(16384) as Buffer | null)?.length ?? 0;
    }
    assert.ok(sent - received < 64 << 20, `${(sent - received) >> 20} MiB went into buffers`);
    for await (const data of client) received += data.length;
    assert.equal(received, total);
  });

  test("a target that refuses resets the client, and one that is not there yet, too", async () => {
    const port = await target(() => {});
    server!.close();
    for (const address of ["127.0.0.1", undefined]) {
      await ports.reserve(web, [{ containerPort: port, protocol: "tcp", hostPort: 8080 }]);
      ports.aim(web.id, address);
      const client = connect({ host: "::1", port: 8080, allowHalfOpen: true });
      const [error] = await once(client, "error");
      assert.equal(error.code, "ECONNRESET");
      await ports.release(web.id);
    }
  });

  test("releasing a port cuts its connections", async () => {
    const port = await target((socket) => socket.on("error", () => {}));
    const client = await published(port);
    client.on("error", () => {}).resume();
    const closed = once(client, "close");
    client.end();
    await ports.release(web.id);
    await closed;
  });

  test("each udp client gets its own answers", async () => {
    const echo = createSocket("udp4");
    echo.on("message", (data, from) => echo.send(`${from.port}:${data}`, from.port, from.address));
    echo.bind(0, "127.0.0.1");
    await once(echo, "listening");
    await ports.reserve(web, [{ containerPort: echo.address().port, protocol: "udp", hostPort: 8080 }]);
    ports.aim(web.id, "127.0.0.1");
    const clients = [createSocket("udp6"), createSocket("udp6")];
    const answers = await Promise.all(
      clients.map(async (client, index) => {
        client.send(`${index}`, 8080, "::1");
        const [answer] = await once(client, "message");
        return String(answer).split(":");
      }),
    );
    assert.deepEqual(
      answers.map(([, text]) => text),
      ["0", "1"],
    );
    assert.notEqual(answers[0]![0], answers[1]![0], "both came from one socket");
    for (const socket of [echo, ...clients]) socket.close();
  });
});
