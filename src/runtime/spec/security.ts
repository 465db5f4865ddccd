import { invalid } from "../../base/errors.ts";

/** What `--security-opt` asks for. */
export interface SecurityOptions {
  readonly noNewPrivileges: boolean;
  /** The default profile, none, or the JSON of one. */
  readonly seccomp: "default" | "unconfined" | { readonly json: string };
  readonly apparmor?: string;
  readonly writableCgroups: boolean;
}

/**
 * Reads `HostConfig.SecurityOpt` by Docker's rules: `key=value`, or in the old way `key:value`. SELinux labels are
 * checked in form only, for without SELinux they mean nothing (so does Docker). `systempaths=unconfined` never comes
 * here from Docker's client, which sends empty `MaskedPaths` and `ReadonlyPaths`; from others it is refused, as there.
 * Throws `invalid` "invalid --security-opt …".
 */
export function parseSecurityOptions(options: readonly string[] = []): SecurityOptions {
  let noNewPrivileges = false;
  let seccomp: SecurityOptions["seccomp"] = "default";
  let apparmor: string | undefined;
  let writableCgroups = false;
  for (const option of options) {
    const [key, value] = split(option);
    if (key === "disable" && value === undefined) continue;
    else if (key === "no-new-privileges") noNewPrivileges = flag(option, value);
    else if (key === "writable-cgroups") writableCgroups = flag(option, value);
    else if (value === undefined) throw invalid(`invalid --security-opt 1: ${JSON.stringify(option)}`);
    else if (key === "seccomp") seccomp = seccompOption(value);
    else if (key === "apparmor") apparmor = value;
    else if (key !== "label") throw invalid(`invalid --security-opt 2: ${JSON.stringify(option)}`);
  }
  return { noNewPrivileges, seccomp, apparmor, writableCgroups };
}

function split(option: string): [string, string | undefined] {
  const equals = option.indexOf("=");
  const at = equals >= 0 ? equals : option.indexOf(":");
  return at < 0 ? [option, undefined] : [option.slice(0, at), option.slice(at + 1)];
}

function seccompOption(value: string): SecurityOptions["seccomp"] {
  if (value === "unconfined") return "unconfined";
  return value === "" || value === "builtin" ? "default" : { json: value };
}

/** Go's `strconv.ParseBool`; without a value the flag is set. */
function flag(option: string, value: string | undefined): boolean {
  if (value === undefined || ["1", "t", "T", "true", "TRUE", "True"].includes(value)) return true;
  if (["0", "f", "F", "false", "FALSE", "False"].includes(value)) return false;
  throw invalid(`invalid --security-opt 2: ${JSON.stringify(option)}`);
}
