import { type ChildProcess, spawn } from "node:child_process";
import { createSocket } from "node:dgram";
import { connect, createServer } from "node:net";
import { fileURLToPath } from "node:url";

/*
 * A program in a network namespace that serves and asks over real sockets. This file is both ends: the test's handle,
 * and, started with the argument `peer`, the program itself.
 */

type Command =
  | { readonly do: "serve"; readonly protocol: "tcp" | "udp"; readonly port: number }
  | { readonly do: "heard" }
  | {
      readonly do: "ask";
      readonly protocol: "tcp" | "udp";
      readonly host: string;
      readonly port: number;
      readonly text: string;
      readonly deadline: number;
    };

/** A process in the namespace at `namespace` (the test's own when undefined). */
export class Peer {
  readonly #child: ChildProcess;
  #next = 0;

  constructor(namespace: string | undefined) {
    const program = [process.execPath, fileURLToPath(import.meta.url), "peer"];
    const [command = "", ...args] = namespace ? ["nsenter", `--net=${namespace}`, ...program] : program;
    this.#child = spawn(command, args, { stdio: ["ignore", "inherit", "inherit", "ipc"] });
  }

  /** Answers every request with `<the address it saw> <the text>`. */
  async serve(protocol: "tcp" | "udp", port: number): Promise<void> {
    await this.#call({ do: "serve", protocol, port });
  }

  /** The addresses that datagrams came from until now. */
  async heard(): Promise<string[]> {
    return JSON.parse(await this.#call({ do: "heard" }));
  }

  /** What the server answers, or the error's code; `timeout` where nothing comes within the deadline in milliseconds. */
  async ask(protocol: "tcp" | "udp", host: string, port: number, text = "hello", deadline = 2000): Promise<string> {
    return this.#call({ do: "ask", protocol, host, port, text, deadline });
  }

  async stop(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const exited = new Promise((resolve) => this.#child.once("exit", resolve));
    this.#child.kill("SIGKILL");
    await exited;
  }

  #call(command: Command): Promise<string> {
    const id = this.#next++;
    return new Promise((resolve, reject) => {
      const hear = (message: { id: number; result: string }) => {
        if (message.id !== id) return;
        this.#child.off("message", hear);
        this.#child.off("exit", fail);
        resolve(message.result);
      };
      const fail = () => reject(new Error("the peer has ended"));
      this.#child.on("message", hear);
      this.#child.once("exit", fail);
      this.#child.send({ id, command });
    });
  }
}

const heard: string[] = [];

function carryOut(command: Command): Promise<string> {
  if (command.do === "heard") return Promise.resolve(JSON.stringify(heard));
  if (command.do === "serve") return command.protocol === "tcp" ? serveTcp(command.port) : serveUdp(command.port);
  const { host, port, text, deadline } = command;
  const answer = command.protocol === "tcp" ? askTcp(host, port, text) : askUdp(host, port, text);
  return Promise.race([answer, new Promise<string>((resolve) => setTimeout(resolve, deadline, "timeout"))]);
}

function serveTcp(port: number): Promise<string> {
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    const chunks: Buffer[] = [];
    socket.on("data", (chunk) => chunks.push(chunk));
    socket.on("end", () => socket.end(`${plain(socket.remoteAddress)} ${Buffer.concat(chunks)}`));
    socket.on("error", () => socket.destroy());
  });
  return new Promise((resolve, reject) => server.on("error", reject).listen(port, "0.0.0.0", () => resolve("")));
}

function serveUdp(port: number): Promise<string> {
  const socket = createSocket("udp4");
  socket.on("message", (data, from) => {
    heard.push(from.address);
    socket.send(`${from.address} ${data}`, from.port, from.address);
  });
  return new Promise((resolve) => socket.bind(port, "0.0.0.0", () => resolve("")));
}

function askTcp(host: string, port: number, text: string): Promise<string> {
  return new Promise((resolve) => {
    const chunks: Buffer[] = [];
    const socket = connect({ host, port, allowHalfOpen: true }, () => socket.end(text));
    socket.on("data", (chunk) => chunks.push(chunk));
    socket.on("end", () => resolve(Buffer.concat(chunks).toString()));
    socket.on("error", (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
  });
}

function askUdp(host: string, port: number, text: string): Promise<string> {
  const socket = createSocket(host.includes(":") ? "udp6" : "udp4");
  return new Promise((resolve) => {
    socket.on("message", (data) => {
      socket.close();
      resolve(data.toString());
    });
    socket.on("error", (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
    socket.send(text, port, host);
  });
}

function plain(address = ""): string {
  return address.replace(/^::ffff:/, "");
}

if (process.argv[2] === "peer" && process.send) {
  process.on("message", ({ id, command }: { id: number; command: Command }) => {
    carryOut(command).then(
      (result) => process.send?.({ id, result }),
      (error: Error) => process.send?.({ id, result: error.message }),
    );
  });
  process.on("disconnect", () => process.exit(0));
}
