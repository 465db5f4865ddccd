import { readFile } from "node:fs/promises";

/** The ports that the host gives to whoever asks for any (`net.ipv4.ip_local_port_range`, `ip_local_reserved_ports`). */
export interface LocalPorts {
  readonly first: number;
  readonly last: number;
  /** Kept back by the administrator: never given at random. */
  isReserved(port: number): boolean;
}

/** Reads the two sysctls of the engine's network namespace; the kernel's defaults where they cannot be read. */
export async function readLocalPorts(): Promise<LocalPorts> {
  const [range, reserved] = await Promise.all(
    ["ip_local_port_range", "ip_local_reserved_ports"].map((name) =>
      readFile(`/proc/sys/net/ipv4/${name}`, "utf8").catch(() => ""),
    ),
  );
  return parseLocalPorts(range!, reserved!);
}

/** `range` is two numbers; `reserved` a list such as `8080,9148-9150` (ip-sysctl.rst). */
export function parseLocalPorts(range: string, reserved: string): LocalPorts {
  const [first = 0, last = 0] = range.trim().split(/\s+/).map(Number);
  const ranges = reserved
    .trim()
    .split(",")
    .filter((part) => part !== "")
    .map((part) => part.split("-").map(Number))
    .map(([from = 0, to = from]) => ({ from, to }));
  return {
    ...(first > 0 && last >= first ? { first, last } : { first: 32768, last: 60999 }),
    isReserved: (port) => ranges.some(({ from, to }) => port >= from && port <= to),
  };
}
