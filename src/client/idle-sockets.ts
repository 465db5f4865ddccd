import type { Socket } from "node:net";
import type { Owner } from "./http1.ts";

const events = ["data", "end", "error", "close"] as const;

/** Connections that wait for the next request. They keep no program running, and leave when the server closes them. */
export class IdleSockets implements Owner {
  /** What each listens with: a byte that answers nothing, or an end, and it is of no more use. */
  readonly #waiting = new Map<Socket, () => void>();
  #isClosed = false;

  /** One of them, for its taker alone; undefined where none is left. */
  take(): Socket | undefined {
    for (const [socket, drop] of this.#waiting) {
      this.#waiting.delete(socket);
      for (const event of events) socket.off(event, drop);
      return socket.ref();
    }
    return undefined;
  }

  free(socket: Socket): void {
    if (this.#isClosed || !socket.readable || !socket.writable) {
      socket.destroy();
      return;
    }
    const drop = (): void => {
      this.#waiting.delete(socket);
      socket.destroy();
    };
    for (const event of events) socket.on(event, drop);
    this.#waiting.set(socket.unref(), drop);
    socket.resume();
  }

  /** Closes those that wait; one that is in use closes as soon as its answer is whole. */
  close(): void {
    this.#isClosed = true;
    for (const drop of [...this.#waiting.values()]) drop();
  }
}
