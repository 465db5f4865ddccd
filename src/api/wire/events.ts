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
    timeNano: exactly(event.timeNano),
  };
}

/** A number that JSON.stringify writes digit by digit, although it is past what a JavaScript number holds. */
function exactly(value: bigint): number {
  const { rawJSON } = JSON as unknown as { rawJSON(text: string): number };
  return rawJSON(String(value));
}
