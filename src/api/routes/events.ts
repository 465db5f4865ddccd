import { invalid } from "../../base/errors.ts";
import type { EngineEvent } from "../../base/events.ts";
import { nowNano } from "../../base/time.ts";
import { type EventMessage, systemEvents } from "../../client/endpoints/events.ts";
import { parseTimestamp } from "../decode/time.ts";
import { eventStream } from "../event-stream.ts";
import { eventFilter } from "../filters/events.ts";
import { type Route, route } from "../route.ts";
import type { ApiServices } from "../services.ts";
import { eventToWire } from "../wire/events.ts";

/** `/events`: what happened since a time, and what happens until another. */
export function eventRoutes({ events }: Pick<ApiServices, "events">): Route[] {
  return [
    route(systemEvents, ({ op, query }) => {
      const since = parseTimestamp(query.since);
      const until = parseTimestamp(query.until);
      if (since !== undefined && until !== undefined && since > until)
        throw invalid(`\`since\` time (${query.since}) cannot be after \`until\` time (${query.until})`);
      const test = eventFilter(query.filters ?? {});
      const replay = since !== undefined || until !== undefined;
      const found = eventStream(events, { since, until, replay, now: nowNano(), signal: op.signal, test });
      return { source: toWire(found), flush: true, failure: lastWords };
    }),
  ];
}

async function* toWire(events: AsyncIterable<EngineEvent>): AsyncIterable<EventMessage> {
  for await (const event of events) yield eventToWire(event);
}

/** A stream that fails ends with an event that says why. */
function lastWords(message: string): EventMessage {
  const actor = { id: "", attributes: { message } };
  return eventToWire({ type: "daemon", action: "error", actor, timeNano: nowNano() });
}
