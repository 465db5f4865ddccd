import { invalid } from "../../base/errors.ts";

/**
 * What EXPOSE takes: `80`, `80/udp`, `8000-8010/tcp`, also the host parts of `-p`, which are passed over. The ports as
 * an image's config has them (`80/tcp`).
 */
export function parseExposed(spec: string): string[] {
  const [, ports = "", protocol = "tcp"] = /^([^/]*)(?:\/([\s\S]*))?$/.exec(spec) ?? [];
  const inside = ports.slice(ports.lastIndexOf(":") + 1);
  if (inside === "") throw invalid(`No port specified: ${spec}<empty>`);
  const [, first, last = first] = /^(\d{1,5})(?:-(\d{1,5}))?$/.exec(inside) ?? [];
  const [from, to] = [Number(first), Number(last)];
  if (first === undefined || from > to || to > 65535) throw invalid(`Invalid containerPort: ${inside}`);
  const kind = protocol.toLowerCase();
  if (!["tcp", "udp", "sctp"].includes(kind)) throw invalid(`Invalid proto: ${protocol}`);
  return Array.from({ length: to - from + 1 }, (_, i) => `${from + i}/${kind}`);
}
