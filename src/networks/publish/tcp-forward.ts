import { connect, createServer, type Server, type Socket } from "node:net";

/** Where packets that reach a port of the host go. */
export interface ForwardTarget {
  readonly address: string;
  readonly port: number;
}

/** A listening socket of the host: the port's reservation, and the path for packets that DNAT does not reach. */
export interface Listener {
  /** Where new connections go from now on; undefined while nobody takes them. */
  target: ForwardTarget | undefined;
  /** Stops listening and cuts what goes through. */
  close(): Promise<void>;
}

/** Listens on `host`:`port` (a wildcard IPv6 address takes IPv6 only). Rejects with Node's error, such as `EADDRINUSE`. */
export async function listenTcp(host: string, port: number): Promise<Listener> {
  const listener = new TcpListener();
  await listener.listen(host, port);
  return listener;
}

class TcpListener implements Listener {
  target: ForwardTarget | undefined;
  readonly #open = new Set<Socket>();
  readonly #server: Server = createServer({ allowHalfOpen: true, noDelay: true }, (client) => this.#accept(client));

  listen(host: string, port: number): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#server.once("error", reject);
      this.#server.listen({ host, port, ipv6Only: host.includes(":"), exclusive: true, backlog: 4096 }, () => {
        this.#server.off("error", reject);
        // Such as EMFILE while accepting: the connection is lost, the port is not.
        this.#server.on("error", () => {});
        resolve();
      });
    });
  }

  close(): Promise<void> {
    for (const socket of this.#open) socket.destroy();
    return new Promise((resolve) => this.#server.close(() => resolve()));
  }

  #accept(client: Socket): void {
    this.#keep(client);
    if (!this.target) return void client.on("error", () => {}).resetAndDestroy();
    const { address, port } = this.target;
    const upstream = connect({ host: address, port, allowHalfOpen: true, noDelay: true });
    this.#keep(upstream);
    // An end of one side ends the other's writing half only; pipe() holds the reader back while the writer is full.
    client.pipe(upstream);
    upstream.pipe(client);
    for (const [socket, other] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      socket.on("error", () => other.resetAndDestroy());
      socket.on("close", () => other.destroySoon());
    }
  }

  #keep(socket: Socket): void {
    this.#open.add(socket);
    socket.once("close", () => this.#open.delete(socket));
  }
}
