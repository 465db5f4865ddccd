import { invalid } from "../../base/errors.ts";
import defaultProfile from "../seccomp-default.json" with { type: "json" };
import { atLeast, type HostFeatures, parseKernel } from "./host.ts";

/**
 * A profile in the form that `--security-opt seccomp=` takes: OCI's seccomp object, with rules that hold only for some
 * capabilities, architectures and kernels.
 */
interface Profile {
  readonly defaultAction?: string;
  readonly defaultErrnoRet?: number;
  readonly architectures?: readonly string[] | null;
  readonly archMap?: ReadonlyArray<{
    readonly architecture: string;
    readonly subArchitectures?: readonly string[] | null;
  }> | null;
  readonly flags?: readonly string[];
  readonly listenerPath?: string;
  readonly listenerMetadata?: string;
  readonly syscalls?: readonly Rule[] | null;
}

interface Rule {
  readonly name?: string;
  readonly names?: readonly string[] | null;
  readonly action: string;
  readonly errnoRet?: number;
  readonly args?: readonly object[] | null;
  readonly includes?: Condition;
  readonly excludes?: Condition;
}

interface Condition {
  readonly caps?: readonly string[] | null;
  readonly arches?: readonly string[] | null;
  readonly minKernel?: string;
}

/** The `linux.seccomp` object of the OCI runtime-spec (config-linux.md, Seccomp). */
export interface OciSeccomp {
  readonly defaultAction: string;
  readonly defaultErrnoRet?: number;
  readonly architectures?: readonly string[];
  readonly flags?: readonly string[];
  readonly listenerPath?: string;
  readonly listenerMetadata?: string;
  readonly syscalls?: ReadonlyArray<Omit<Rule, "name" | "includes" | "excludes">>;
}

type Target = Pick<HostFeatures, "arch" | "kernel">;

/** Node's names of processors, in Go's and in libseccomp's words. */
const machines: Readonly<Record<string, readonly [go: string, seccomp: string]>> = {
  x64: ["amd64", "SCMP_ARCH_X86_64"],
  arm64: ["arm64", "SCMP_ARCH_AARCH64"],
  arm: ["arm", "SCMP_ARCH_ARM"],
  ia32: ["386", "SCMP_ARCH_X86"],
  riscv64: ["riscv64", "SCMP_ARCH_RISCV64"],
  s390x: ["s390x", "SCMP_ARCH_S390X"],
  ppc64: ["ppc64le", "SCMP_ARCH_PPC64LE"],
  loong64: ["loong64", "SCMP_ARCH_LOONGARCH64"],
};

const compiled = new Map<string, OciSeccomp>();
/** Enough for the profiles and capability sets that one host sees; past it the oldest goes. */
const compiledLimit = 64;

/**
 * The seccomp object for a container with these capabilities: of Docker's default profile, or of the JSON that the user
 * gave. Memoised: the same question gets the same object. Throws `invalid` where the profile is malformed.
 */
export function compileSeccomp(capabilities: readonly string[], target: Target, json?: string): OciSeccomp {
  const key = [target.arch, target.kernel.join("."), [...capabilities].sort().join(), json ?? ""].join("\n");
  const known = compiled.get(key);
  if (known) return known;
  const made = compile(json === undefined ? (defaultProfile as Profile) : parseProfile(json), capabilities, target);
  if (compiled.size >= compiledLimit) compiled.delete(compiled.keys().next().value!);
  compiled.set(key, made);
  return made;
}

function parseProfile(json: string): Profile {
  let profile: unknown;
  try {
    profile = JSON.parse(json);
  } catch (cause) {
    throw invalid(`Decoding seccomp profile failed: ${(cause as Error).message}`, { cause });
  }
  if (typeof profile !== "object" || profile === null || Array.isArray(profile))
    throw invalid("Decoding seccomp profile failed: it is not a JSON object");
  checkProfile(profile as Profile);
  return profile as Profile;
}

function checkProfile({ defaultAction, architectures, archMap, syscalls }: Profile): void {
  const fail = (what: string): never => {
    throw invalid(`Decoding seccomp profile failed: ${what}`);
  };
  if (defaultAction !== undefined && typeof defaultAction !== "string") fail("defaultAction is not a string");
  for (const [name, list] of Object.entries({ architectures, archMap, syscalls }))
    if (list !== undefined && list !== null && !Array.isArray(list)) fail(`${name} is not a list`);
  if (architectures?.length && archMap?.length)
    throw invalid(
      "both 'architectures' and 'archMap' are specified in the seccomp profile, use either 'architectures' or 'archMap'",
    );
  for (const rule of syscalls ?? []) {
    if (typeof rule !== "object" || rule === null || typeof rule.action !== "string") fail("a rule has no action");
    if (rule.name && rule.names?.length)
      throw invalid("both 'name' and 'names' are specified in the seccomp profile, use either 'name' or 'names'");
    const names = rule.name ? [rule.name] : (rule.names ?? []);
    if (!Array.isArray(names) || names.some((name) => typeof name !== "string")) fail("names is not a list of strings");
  }
}

function compile(profile: Profile, capabilities: readonly string[], target: Target): OciSeccomp {
  const [goArch, seccompArch] = machines[target.arch] ?? [target.arch, ""];
  const holds = (condition: Condition | undefined, some: boolean): boolean[] => {
    const { caps, arches, minKernel } = condition ?? {};
    const checks: boolean[] = [];
    if (arches?.length) checks.push(arches.includes(goArch));
    if (caps?.length)
      checks.push(some ? caps.some((c) => capabilities.includes(c)) : caps.every((c) => capabilities.includes(c)));
    if (minKernel) checks.push(atLeast(target.kernel, parseKernel(minKernel)));
    return checks;
  };
  const applies = ({ includes, excludes }: Rule): boolean =>
    holds(includes, false).every(Boolean) && !holds(excludes, true).some(Boolean);
  const own = profile.archMap?.find(({ architecture }) => architecture === seccompArch);
  const architectures = profile.architectures?.length
    ? profile.architectures
    : own && [own.architecture, ...(own.subArchitectures ?? [])];
  return {
    defaultAction: profile.defaultAction ?? "",
    defaultErrnoRet: profile.defaultErrnoRet,
    architectures,
    flags: profile.flags,
    listenerPath: profile.listenerPath,
    listenerMetadata: profile.listenerMetadata,
    syscalls: (profile.syscalls ?? []).filter(applies).map(({ name, names, action, errnoRet, args }) => ({
      names: name ? [name] : (names ?? []),
      action,
      errnoRet,
      args: args?.length ? args : undefined,
    })),
  };
}
