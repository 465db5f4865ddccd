import { invalid } from "../base/errors.ts";

export const minimumVersion = "1.24";
export const maximumVersion = "1.51";

/** Below zero where `a` is the older. Missing parts count as 0, as in Docker's own comparison. */
export function compareVersions(a: string, b: string): number {
  const left = a.split(".").map(Number);
  const right = b.split(".").map(Number);
  for (let i = 0; i < Math.max(left.length, right.length); i++) {
    const difference = (left[i] ?? 0) - (right[i] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}

export function atLeast(version: string, other: string): boolean {
  return compareVersions(version, other) >= 0;
}

/** Throws Docker's words for a version that is not spoken here. */
export function checkVersion(version: string): void {
  if (compareVersions(version, minimumVersion) < 0)
    throw invalid(
      `client version ${version} is too old. Minimum supported API version is ${minimumVersion}, please upgrade your client to a newer version`,
    );
  if (compareVersions(version, maximumVersion) > 0)
    throw invalid(`client version ${version} is too new. Maximum supported API version is ${maximumVersion}`);
}

interface FieldRule {
  /** Dotted for fields inside. */
  readonly field: string;
  /** Sent from this version on. */
  readonly from?: string;
  /** Sent up to this version. */
  readonly until?: string;
}

/** Fields of answers that came or went (Engine API, version history). The mappers write them all; `shape` drops. */
const rules = {
  ImageSummary: [{ field: "VirtualSize", until: "1.43" }],
  ImageInspect: [
    { field: "VirtualSize", until: "1.43" },
    { field: "Container", until: "1.44" },
    { field: "ContainerConfig", until: "1.44" },
  ],
  ContainerInspect: [{ field: "Config.MacAddress", until: "1.43" }],
  Info: [
    { field: "BridgeNfIptables", until: "1.49" },
    { field: "BridgeNfIp6tables", until: "1.49" },
    { field: "RegistryConfig.AllowNondistributableArtifactsCIDRs", until: "1.46" },
    { field: "RegistryConfig.AllowNondistributableArtifactsHostnames", until: "1.46" },
    { field: "FirewallBackend", from: "1.49" },
  ],
  DiskUsage: [{ field: "BuilderSize", until: "1.41" }],
} satisfies Record<string, readonly FieldRule[]>;

/** The answer as the version has it. */
export function shape<T extends object>(kind: keyof typeof rules, version: string, answer: T): T {
  const gone = (rules[kind] as readonly FieldRule[]).filter(
    ({ from, until }) =>
      (from !== undefined && !atLeast(version, from)) || (until !== undefined && compareVersions(version, until) > 0),
  );
  return gone.length === 0 ? answer : gone.reduce((value, { field }) => without(value, field.split(".")), answer);
}

function without<T extends object>(value: T, [head, ...rest]: string[]): T {
  if (head === undefined || !(head in value)) return value;
  const { [head]: inner, ...others } = value as Record<string, unknown>;
  if (rest.length === 0) return others as T;
  return typeof inner === "object" && inner !== null ? { ...value, [head]: without(inner, rest) } : value;
}
