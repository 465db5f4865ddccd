import { close } from "../sys/libc.ts";
import { getLink, type LinkState } from "./links.ts";
import { type Namespaces, openNamespace } from "./namespaces.ts";
import { NETLINK_ROUTE, NetlinkSocket } from "./socket.ts";

/** The socket into one namespace for the time of a batch. A batch asks for each name's index once. */
export class NetworkSpace {
  readonly socket: NetlinkSocket;
  /** Absent for the engine's own. */
  readonly fd: number | undefined;
  readonly #indexes = new Map<string, number>();

  constructor(namespaces: Namespaces, path: string | undefined) {
    if (path === undefined) {
      this.socket = new NetlinkSocket(NETLINK_ROUTE);
      return;
    }
    this.fd = openNamespace(path);
    try {
      this.socket = namespaces.inside(this.fd, path, () => new NetlinkSocket(NETLINK_ROUTE));
    } catch (error) {
      close(this.fd);
      throw error;
    }
  }

  index(name: string): number {
    const known = this.#indexes.get(name);
    if (known !== undefined) return known;
    return this.look(name).index;
  }

  look(name: string): LinkState {
    const link = getLink(this.socket, name);
    this.#indexes.set(name, link.index);
    return link;
  }

  forget(): void {
    this.#indexes.clear();
  }

  close(): void {
    this.socket.close();
    if (this.fd !== undefined) close(this.fd);
  }
}
