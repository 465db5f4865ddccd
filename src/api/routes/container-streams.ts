import { invalid } from "../../base/errors.ts";
import { containerAttach, containerLogs, containerWait } from "../../client/endpoints/containers.ts";
import type { ResponseOf } from "../../client/endpoints/endpoint.ts";
import type { Containers, WaitCondition } from "../../containers/containers.ts";
import { parseTimestamp } from "../decode/time.ts";
import { type Call, type Lines, type Route, route } from "../route.ts";
import type { ApiServices } from "../services.ts";
import { atLeast } from "../versions.ts";

const conditions: readonly string[] = ["not-running", "next-exit", "removed"];

/** Endpoints of a container whose answer goes on while it lives. */
export function containerStreamRoutes({ containers }: Pick<ApiServices, "containers">): Route[] {
  return [
    route(containerLogs, async ({ op, params, query, version }) => {
      const { stdout = false, stderr = false } = query;
      if (!stdout && !stderr) throw invalid("Bad parameters: you must choose at least one stream");
      const since = parseTimestamp(query.since);
      const until = parseTimestamp(query.until);
      const tail = tailOf(query.tail);
      const { stream, tty } = await containers.logs(op, params.id, {
        stdout,
        stderr,
        follow: query.follow ?? false,
        timestamps: query.timestamps ?? false,
        details: query.details ?? false,
        ...(tail !== undefined && { tail }),
        // Zero is how clients say "from the beginning" and "no end".
        ...(since && { since }),
        ...(until && { until }),
      });
      return { type: streamType(tty, version), source: stream };
    }),
    route(containerAttach, async ({ op, params, query }) => {
      const { stream, tty } = await containers.attach(op, params.id, {
        stdin: query.stdin ?? false,
        stdout: query.stdout ?? false,
        stderr: query.stderr ?? false,
        logs: query.logs ?? false,
        stream: query.stream ?? false,
        ...(query.detachKeys && { detachKeys: query.detachKeys }),
      });
      return { open: async () => stream, tty, stdin: query.stdin ?? false };
    }),
    route(containerWait, (call) => waitFor(containers, call)),
  ];
}

/** All lines for what is no number, as Docker does. */
function tailOf(text: string | undefined): number | undefined {
  return text !== undefined && /^\d+$/.test(text) ? Number(text) : undefined;
}

/** The name for framed output came with 1.42. */
function streamType(tty: boolean, version: string): string {
  return `application/vnd.docker.${!tty && atLeast(version, "1.42") ? "multiplexed" : "raw"}-stream`;
}

type Exit = ResponseOf<typeof containerWait>;

/** Begins to wait before the head goes out: a client that has the head may start the container and misses nothing. */
function waitFor(containers: Containers, { op, params, query, version }: Call<typeof containerWait>): Lines<Exit> {
  const condition = query.condition || "not-running";
  if (!conditions.includes(condition)) throw invalid(`invalid condition: ${JSON.stringify(condition)}`);
  const { id } = containers.get(params.id);
  const exit = containers.wait(op, id, condition as WaitCondition);
  exit.catch(() => {});
  async function* source(): AsyncIterable<Exit> {
    const { exitCode, error } = await exit;
    yield { StatusCode: exitCode, ...(error && { Error: { Message: error } }) };
  }
  return {
    source: source(),
    flush: atLeast(version, "1.30"),
    failure: (message) => ({ StatusCode: -1, Error: { Message: message } }),
  };
}
