import type { EngineEvent } from "../../base/events.ts";
import { type FilterMap, matchesExactly, matchesLabels } from "../decode/filters.ts";

/** The kinds of objects by whose ID or name events are picked. */
const objects = ["container", "network", "volume", "daemon", "plugin"] as const;

/** The test that `docker events --filter` asks for. Docker takes filters that it does not know, and so do we. */
export function eventFilter(filters: FilterMap): (event: EngineEvent) => boolean {
  return (event) =>
    matchesAction(filters["event"], event.action) &&
    matchesExactly(filters["type"], event.type) &&
    matchesExactly(filters["scope"], "local") &&
    objects.every((kind) => matchesObject(filters[kind], kind, event)) &&
    matchesImage(filters["image"], event) &&
    matchesLabels(filters["label"], event.actor.attributes);
}

/** `exec_create` asks for every `exec_create: sh -c …`. */
function matchesAction(wanted: readonly string[] | undefined, action: string): boolean {
  if (matchesExactly(wanted, action)) return true;
  const head = action.split(":", 1)[0]!;
  return head !== action && wanted!.includes(head);
}

function matchesObject(wanted: readonly string[] | undefined, kind: string, event: EngineEvent): boolean {
  if (wanted === undefined || wanted.length === 0) return true;
  if (event.type !== kind) return false;
  const { id, attributes } = event.actor;
  const name = attributes["name"] ?? "";
  return wanted.some((value) => value === "" || id.startsWith(value) || name.startsWith(value));
}

function matchesImage(wanted: readonly string[] | undefined, { type, actor }: EngineEvent): boolean {
  if (wanted === undefined || wanted.length === 0) return true;
  const name = actor.attributes[type === "image" ? "name" : "image"] ?? "";
  const bare = (text: string): string => text.replace(/:[^:/]*$/, "");
  return [actor.id, name, bare(actor.id), bare(name)].some((text) => wanted.includes(text));
}
