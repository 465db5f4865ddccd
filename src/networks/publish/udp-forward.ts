import { createSocket, type RemoteInfo, type Socket } from "node:dgram";
import type { ForwardTarget, Listener } from "./tcp-forward.ts";

/** A client that sent nothing and got nothing for so long is forgotten, in milliseconds; Docker's proxy has 90 s. */
const idleLimit = 90_000;
/** Clients of one port at a time; the one that was silent longest makes room. */
const clientLimit = 1024;

/** What a client may send before its own socket stands. */
const earlyLimit = 64;

interface Client {
  readonly upstream: Socket;
  lastSeen: number;
  /** Packets that came before the upstream socket was connected; undefined once it is. */
  early: Buffer[] | undefined;
}

/** Binds `host`:`port`. Rejects with Node's error, such as `EADDRINUSE`. */
export async function listenUdp(host: string, port: number): Promise<Listener> {
  const socket = createSocket({ type: host.includes(":") ? "udp6" : "udp4", ipv6Only: host.includes(":") });
  await new Promise<void>((resolve, reject) => {
    socket.once("error", reject);
    socket.bind({ address: host, port, exclusive: true }, () => {
      socket.off("error", reject);
      resolve();
    });
  });
  return new UdpListener(socket);
}

class UdpListener implements Listener {
  target: ForwardTarget | undefined;
  readonly #socket: Socket;
  /** In the order in which they were last heard of, for a map keeps the order of insertion. */
  readonly #clients = new Map<string, Client>();
  #sweep: NodeJS.Timeout | undefined;

  constructor(socket: Socket) {
    this.#socket = socket;
    socket.on("message", (data, from) => this.#forward(data, from));
    // An ICMP error about an answer: nothing to do, and nothing that concerns the other clients.
    socket.on("error", () => {});
  }

  close(): Promise<void> {
    clearTimeout(this.#sweep);
    for (const key of this.#clients.keys()) this.#forget(key);
    return new Promise((resolve) => this.#socket.close(() => resolve()));
  }

  #forward(data: Buffer, from: RemoteInfo): void {
    const key = `${from.address} ${from.port}`;
    const client = this.#clients.get(key) ?? this.#open(key, from);
    if (!client) return;
    this.#touch(key, client);
    if (!client.early) client.upstream.send(data);
    else if (client.early.length < earlyLimit) client.early.push(data);
  }

  #open(key: string, from: RemoteInfo): Client | undefined {
    if (!this.target) return undefined;
    if (this.#clients.size >= clientLimit) this.#forget(this.#clients.keys().next().value!);
    const upstream = createSocket("udp4");
    const client: Client = { upstream, lastSeen: Date.now(), early: [] };
    this.#clients.set(key, client);
    upstream.on("error", () => this.#forget(key, client));
    upstream.on("message", (answer) => {
      this.#touch(key, client);
      this.#socket.send(answer, from.port, from.address);
    });
    upstream.connect(this.target.port, this.target.address, () => {
      for (const data of client.early ?? []) upstream.send(data);
      client.early = undefined;
    });
    this.#sweep ??= setTimeout(() => this.#forgetIdle(), idleLimit).unref();
    return client;
  }

  #touch(key: string, client: Client): void {
    client.lastSeen = Date.now();
    if (this.#clients.delete(key)) this.#clients.set(key, client);
  }

  #forgetIdle(): void {
    const limit = Date.now() - idleLimit;
    for (const [key, { lastSeen }] of this.#clients) {
      if (lastSeen > limit) break;
      this.#forget(key);
    }
    this.#sweep = this.#clients.size > 0 ? setTimeout(() => this.#forgetIdle(), idleLimit).unref() : undefined;
  }

  #forget(key: string, client = this.#clients.get(key)): void {
    if (!client || this.#clients.get(key) !== client) return;
    this.#clients.delete(key);
    client.upstream.close();
  }
}
