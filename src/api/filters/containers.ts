import { invalid } from "../../base/errors.ts";
import type { Container, Containers } from "../../containers/containers.ts";
import type { Images } from "../../images/images.ts";
import {
  booleanFilter,
  checkFilters,
  type FilterMap,
  matchesExactly,
  matchesLabels,
  matchesPattern,
} from "../decode/filters.ts";
import { portsOf } from "../wire/container-summary.ts";
import { networksOf } from "../wire/endpoints.ts";

const known = [
  "ancestor",
  "before",
  "exited",
  "expose",
  "health",
  "id",
  "is-task",
  "isolation",
  "label",
  "name",
  "network",
  "publish",
  "since",
  "status",
  "volume",
];
const states = ["created", "running", "paused", "restarting", "removing", "exited", "dead"];
const healths = ["none", "starting", "healthy", "unhealthy"];

type Test = (container: Container) => boolean;

/** The test that `docker ps --filter` asks for. Throws `invalid` for what is no filter, `notFound` for a lost anchor. */
export function containerFilter(
  filters: FilterMap,
  containers: Pick<Containers, "get">,
  images: Pick<Images, "resolve">,
): Test {
  checkFilters(filters, known);
  oneOf(filters, "status", "state", states);
  oneOf(filters, "health", "health", healths);
  const tests: Test[] = [
    ({ id }) => matchesPattern(filters["id"], id),
    ({ name }) => matchesPattern(filters["name"], name) || matchesPattern(filters["name"], `/${name}`),
    ({ config }) => matchesLabels(filters["label"], config.Labels),
    ({ state }) => matchesExactly(filters["status"], state.status),
    ({ config }) => matchesExactly(filters["health"], hasHealthcheck(config) ? "starting" : "none"),
    exitedTest(filters),
    timeTest(filters, containers),
    ancestorTest(filters, images),
    volumeTest(filters),
    networkTest(filters),
    portTest(filters),
    taskTest(filters),
  ];
  return (container) => tests.every((test) => test(container));
}

function oneOf(filters: FilterMap, name: string, what: string, allowed: readonly string[]): void {
  for (const value of filters[name] ?? [])
    if (!allowed.includes(value))
      throw invalid(
        `invalid filter '${name}=${value}': invalid value for ${what} (${value}): must be one of ${allowed.join(", ")}`,
      );
}

function hasHealthcheck(config: Container["config"]): boolean {
  const test = config.Healthcheck?.Test;
  return test !== undefined && test.length > 0 && test[0] !== "NONE";
}

function exitedTest(filters: FilterMap): Test {
  const wanted = filters["exited"];
  if (!wanted || wanted.length === 0) return () => true;
  for (const code of wanted)
    if (!/^[+-]?\d+$/.test(code))
      throw invalid(`invalid filter 'exited=${code}': strconv.Atoi: parsing ${JSON.stringify(code)}: invalid syntax`);
  const codes = wanted.map(Number);
  return ({ state }) => state.status === "exited" && codes.includes(state.exitCode);
}

function timeTest(filters: FilterMap, containers: Pick<Containers, "get">): Test {
  const before = (filters["before"] ?? []).map((ref) => containers.get(ref).created);
  const since = (filters["since"] ?? []).map((ref) => containers.get(ref).created);
  return ({ created }) => before.every((time) => older(created, time)) && since.every((time) => older(time, created));
}

/** RFC 3339 in UTC sorts as text, but for fractions of different lengths. */
function older(a: string, b: string): boolean {
  return a.replace("Z", "") < b.replace("Z", "");
}

function ancestorTest(filters: FilterMap, images: Pick<Images, "resolve">): Test {
  const wanted = filters["ancestor"];
  if (!wanted || wanted.length === 0) return () => true;
  const ids = new Set(
    wanted.flatMap((reference) => {
      try {
        return [images.resolve(reference).id];
      } catch {
        return [];
      }
    }),
  );
  return ({ image }) => ids.has(image);
}

function volumeTest(filters: FilterMap): Test {
  const wanted = filters["volume"];
  if (!wanted || wanted.length === 0) return () => true;
  return ({ mounts }) =>
    mounts.some(({ name, source, destination }) =>
      [name, source, destination].some((value) => value !== undefined && wanted.includes(value)),
    );
}

function networkTest(filters: FilterMap): Test {
  const wanted = filters["network"];
  if (!wanted || wanted.length === 0) return () => true;
  return (container) =>
    Object.entries(networksOf(container)).some(([name, { NetworkID }]) =>
      wanted.some((value) => value === name || (value !== "" && NetworkID.startsWith(value))),
    );
}

function portTest(filters: FilterMap): Test {
  const publish = portSet(filters, "publish");
  const expose = portSet(filters, "expose");
  if (publish.size === 0 && expose.size === 0) return () => true;
  return (container) =>
    portsOf(container).some(
      (port) => publish.has(`${port.PublicPort ?? 0}/${port.Type}`) || expose.has(`${port.PrivatePort}/${port.Type}`),
    );
}

/** `80`, `80/udp` or `80-90/tcp`, each port of it as `80/tcp`. */
function portSet(filters: FilterMap, name: string): Set<string> {
  const ports = new Set<string>();
  for (const value of filters[name] ?? []) {
    const match = /^(\d{1,5})(?:-(\d{1,5}))?(?:\/(\w+))?$/.exec(value);
    const first = Number(match?.[1]);
    const last = Number(match?.[2] ?? match?.[1]);
    if (!match || last > 65535 || last < first)
      throw invalid(`error while looking up for ${name} ${value}: invalid port or port range`);
    for (let port = first; port <= last; port++) ports.add(`${port}/${match[3]?.toLowerCase() ?? "tcp"}`);
  }
  return ports;
}

/** Nothing here is a task of a swarm. */
function taskTest(filters: FilterMap): Test {
  const wanted = booleanFilter(filters, "is-task");
  return () => wanted !== true;
}
