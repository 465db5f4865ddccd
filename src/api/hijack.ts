import type { IncomingMessage } from "node:http";
import type { Socket } from "node:net";
import type { Duplex } from "node:stream";

/** How long a client may take to close its side after the output has ended, in milliseconds. */
const closeGrace = 10_000;

/**
 * Takes a connection away from the HTTP server: from here on its bytes are the client's input. The request must have
 * been read to its end. Node offers this for upgrades only (the `upgrade` event), and gives such requests no body and
 * others no hijack; Docker's API has all of it. So the parser's listeners are removed: adding one of ours makes Node
 * hand the handle's bytes back to the stream, which is what its own documentation of `socket.on("data")` promises.
 */
export function takeOver(request: IncomingMessage): Socket {
  const { socket } = request;
  const theirs = socket.listeners("data");
  const ours = (): void => {};
  socket.on("data", ours);
  for (const listener of theirs) socket.off("data", listener as () => void);
  // The server's own reactions: to end its side when the client does, and to answer 400 to a broken connection.
  socket.removeAllListeners("end");
  socket.removeAllListeners("error");
  socket.on("error", () => {});
  socket.pause();
  socket.off("data", ours);
  socket.setTimeout(0);
  return socket;
}

/**
 * Joins a client and a process's stdio until the output has ended or either side broke. Half-closes pass both ways:
 * the client's end is the end of input (while `stdin`), the output's end closes our side of the connection.
 */
export function join(socket: Socket, stream: Duplex, stdin: boolean): void {
  stream.on("error", () => socket.destroy());
  stream.on("close", () => {
    if (!stream.readableEnded) socket.destroy();
  });
  socket.on("close", () => stream.destroy());
  stream.pipe(socket);
  if (stdin) socket.pipe(stream);
  else socket.resume();
  stream.once("end", () => {
    socket.unpipe(stream);
    // What the client still sends is read and dropped: closing with unread bytes would reset the connection and could
    // take the last output with it.
    socket.resume();
    const timer = setTimeout(() => socket.destroy(), closeGrace);
    socket.once("close", () => clearTimeout(timer));
    if (socket.readableEnded) socket.once("finish", () => socket.destroy());
    else socket.once("end", () => socket.once("finish", () => socket.destroy()));
  });
}

/** Writes an answer's head on a connection that was taken over. */
export function writeHead(socket: Socket, status: string, headers: Readonly<Record<string, string>>, body = ""): void {
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}`);
  socket.write(`HTTP/1.1 ${status}\r\n${lines.join("\r\n")}\r\n\r\n${body}`);
}
