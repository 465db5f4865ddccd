import { type Static, Type } from "@sinclair/typebox";
import { Answer, endpoint, Filters, Int, StringMap } from "./endpoint.ts";

/** engine-api, EventMessage, with the older fields that clients below 1.52 still read. */
export const EventMessage = Answer({
  status: Type.Optional(Type.String()),
  id: Type.Optional(Type.String()),
  from: Type.Optional(Type.String()),
  Type: Type.String(),
  Action: Type.String(),
  Actor: Answer({ ID: Type.String(), Attributes: StringMap }),
  scope: Type.String(),
  /** Seconds since the epoch. */
  time: Int,
  /** Nanoseconds; past the integers that JavaScript holds exactly. */
  timeNano: Type.Number(),
});
export type EventMessage = Static<typeof EventMessage>;

export const systemEvents = endpoint({
  method: "GET",
  path: "/events",
  kind: "lines",
  /** Times are seconds, with a fraction of up to nine digits if need be. */
  query: Type.Partial(Type.Object({ since: Type.String(), until: Type.String(), filters: Filters })),
  responses: { 200: EventMessage },
});

export const eventEndpoints = [systemEvents] as const;
