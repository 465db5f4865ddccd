import { Struct, sortedEntries } from "../template/values.ts";
import { localRfc3339 } from "./human.ts";

/** An event as `GET /events` sends it. */
export interface EventMessage {
  readonly status?: string;
  readonly id?: string;
  readonly from?: string;
  readonly Type: string;
  readonly Action: string;
  readonly Actor: { readonly ID: string; readonly Attributes?: Readonly<Record<string, string>> | null };
  readonly scope?: string;
  readonly time?: number;
  readonly timeNano?: number;
}

/** `2026-11-22T12:00:22.732014212Z container start 945f… (image=busybox, name=web)` */
export function eventLine(event: EventMessage): string {
  const attributes = sortedEntries({ ...event.Actor.Attributes }).map(([key, value]) => `${key}=${value}`);
  const suffix = attributes.length > 0 ? ` (${attributes.join(", ")})` : "";
  return `${eventTime(event)} ${event.Type} ${event.Action} ${event.Actor.ID}${suffix}\n`;
}

function eventTime({ time = 0, timeNano = 0 }: EventMessage): string {
  if (timeNano === 0) return localRfc3339(time * 1000, ".000000000");
  // The number is past what JavaScript holds exactly: its last digits are near, not true.
  const nanos = BigInt(String(timeNano));
  return localRfc3339(Number(nanos / 1_000_000n), `.${String(nanos % 1_000_000_000n).padStart(9, "0")}`);
}

/** The event as templates see it: Go's names for its fields. */
export function eventStruct(event: EventMessage): Struct {
  const actor = new Struct("events.Actor", { ID: event.Actor.ID, Attributes: event.Actor.Attributes ?? {} });
  return new EventStruct(
    "*events.Message",
    {
      Status: event.status ?? "",
      ID: event.id ?? "",
      From: event.from ?? "",
      Type: event.Type,
      Action: event.Action,
      Actor: actor,
      Scope: event.scope ?? "",
      Time: event.time ?? 0,
      TimeNano: event.timeNano ?? 0,
    },
    event,
  );
}

/** Its JSON has the API's names, not Go's. */
class EventStruct extends Struct {
  readonly #event: EventMessage;

  constructor(type: string, fields: Record<string, unknown>, event: EventMessage) {
    super(type, fields);
    this.#event = event;
  }

  override toJson(): string {
    const { Actor } = this.#event;
    const Attributes = Object.fromEntries(sortedEntries({ ...Actor.Attributes }));
    return JSON.stringify({ ...this.#event, Actor: { ...Actor, Attributes } });
  }
}
