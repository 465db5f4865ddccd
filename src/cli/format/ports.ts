/** A port of a container as the list API tells it (Engine API, `Port`). */
export interface Port {
  readonly IP?: string;
  readonly PrivatePort: number;
  readonly PublicPort?: number;
  readonly Type: string;
}

interface Run {
  readonly ip: string;
  readonly type: string;
  readonly first: number;
  last: number;
}

/**
 * The PORTS column: neighbouring ports of one address that are published under their own number become a range
 * (`0.0.0.0:9000-9002->9000-9002/udp`); ports published under another number follow one by one.
 */
export function portsColumn(ports: readonly Port[]): string {
  const finished: Run[] = [];
  const open = new Map<string, Run>();
  const renumbered: string[] = [];
  for (const port of [...ports].sort(compare)) {
    const ip = port.IP ?? "";
    if (ip !== "" && port.PublicPort !== port.PrivatePort) {
      renumbered.push(`${joinHostPort(ip, port.PublicPort ?? 0)}->${port.PrivatePort}/${port.Type}`);
      continue;
    }
    const key = `${ip}/${port.Type}`;
    const run = open.get(key);
    if (run !== undefined && port.PrivatePort === run.last + 1) run.last++;
    else {
      if (run !== undefined) finished.push(run);
      // The map keeps the place of the first run of its key, as Docker's list of keys does.
      open.set(key, { ip, type: port.Type, first: port.PrivatePort, last: port.PrivatePort });
    }
  }
  return [...[...finished, ...open.values()].map(runText), ...renumbered].join(", ");
}

function runText({ ip, type, first, last }: Run): string {
  const range = first === last ? String(first) : `${first}-${last}`;
  return `${ip === "" ? range : `${joinHostPort(ip, range)}->${range}`}/${type}`;
}

function compare(a: Port, b: Port): number {
  const text = (x: string, y: string): number => (x < y ? -1 : x > y ? 1 : 0);
  return (
    a.PrivatePort - b.PrivatePort ||
    text(a.IP ?? "", b.IP ?? "") ||
    (a.PublicPort ?? 0) - (b.PublicPort ?? 0) ||
    text(a.Type, b.Type)
  );
}

/** `host:port`, an IPv6 address in brackets. */
export function joinHostPort(host: string, port: string | number): string {
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}
