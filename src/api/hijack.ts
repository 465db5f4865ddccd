import type { IncomingMessage } from "node:http";
import type { Socket } from "node:net";
import type { Duplex } from "node:stream";

/** How long a client may take to close its side after the output has ended, in milliseconds. */
const closeGrace = 10_000;

/** How often a client that has ended its input is looked at, in milliseconds. */
const probeInterval = 1_000;

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
  noticeVanished(socket);
  stream.pipe(socket, { end: false });
  if (stdin) socket.pipe(stream);
  else socket.resume();
  stream.once("end", () => {
    socket.unpipe(stream);
    finish(socket);
  });
}

/**
 * Ends our side, then waits for the client's. What it still sends is read and dropped: closing with unread bytes would
 * reset the connection and could take the last output with it.
 */
function finish(socket: Socket): void {
  socket.resume();
  const timer = setTimeout(() => socket.destroy(), closeGrace);
  socket.once("close", () => clearTimeout(timer));
  const check = (): void => {
    if (socket.readableEnded && socket.writableFinished) socket.destroy();
  };
  socket.once("end", check);
  socket.end(check);
}

/**
 * Notices a client that is gone although nothing is sent to it. Its end of input alone does not tell: a client without
 * input says so at once and goes on to read. On a unix socket, a write of no bytes fails with EPIPE once the other side
 * is closed, and not while it is only half-closed (unix(7): the kernel then has shut both directions). On TCP, keepalive
 * probes find it.
 */
function noticeVanished(socket: Socket): void {
  if (socket.remoteAddress !== undefined) return void socket.setKeepAlive(true, 30_000);
  const probe = (): void => {
    if (socket.writable && socket.writableLength === 0) socket.write(Buffer.alloc(0));
  };
  socket.once("end", () => {
    probe();
    const timer = setInterval(probe, probeInterval);
    timer.unref();
    socket.once("close", () => clearInterval(timer));
  });
}

/** Sends a last line in place of a process's output, as output in Docker's frames where there is no terminal. */
export function sayAndEnd(socket: Socket, text: string, tty: boolean): void {
  const frame = Buffer.from([1, 0, 0, 0, 0, 0, 0, 0]);
  frame.writeUInt32BE(Buffer.byteLength(text), 4);
  socket.write(tty ? text : Buffer.concat([frame, Buffer.from(text)]));
  finish(socket);
}

/** Writes an answer's head on a connection that was taken over. */
export function writeHead(socket: Socket, status: string, headers: Readonly<Record<string, string>>, body = ""): void {
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}`);
  socket.write(`HTTP/1.1 ${status}\r\n${lines.join("\r\n")}\r\n\r\n${body}`);
}
