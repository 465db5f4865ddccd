import type { EngineEvent } from "../../base/events.ts";
import type { EventMessage } from "../../client/endpoints/events.ts";

/** An event as `/events` sends it, with the older fields for containers and images that clients below 1.52 read. */
export function eventToWire(event: EngineEvent): EventMessage {
  const { type, action, actor } = event;
  return {
    ...((type === "container" || type === "image") && { status: action, id: actor.id }),
    ...(type === "container" && actor.attributes["image"] !== undefined && { from: actor.attributes["image"] }),
    Type: type,
    Action: action,
    Actor: { ID: actor.id, Attributes: { ...actor.attributes } },
    scope: "local",
    time: Number(event.timeNano / 1_000_000_000n),
    timeNano: Number(event.timeNano),
  };
}

/** The event's JSON. The nanoseconds are past the integers that a JavaScript number holds, so they are put in as text. */
export function eventLine(event: EngineEvent): string {
  return JSON.stringify(eventToWire(event)).replace(/"timeNano":\d+\}$/, `"timeNano":${event.timeNano}}`);
}
