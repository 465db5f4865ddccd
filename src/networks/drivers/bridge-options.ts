import { isIP } from "node:net";
import { invalid, notImplemented } from "../../base/errors.ts";

const bridgePrefix = "com.docker.network.bridge";

/** The names of the driver options that Docker's bridge driver knows and that work here. */
export const bridgeOptionNames = {
  defaultBridge: `${bridgePrefix}.default_bridge`,
  name: `${bridgePrefix}.name`,
  icc: `${bridgePrefix}.enable_icc`,
  masquerade: `${bridgePrefix}.enable_ip_masquerade`,
  hostBinding: `${bridgePrefix}.host_binding_ipv4`,
  gatewayMode: `${bridgePrefix}.gateway_mode_ipv4`,
  mtu: "com.docker.network.driver.mtu",
  ifacePrefix: "com.docker.network.container_iface_prefix",
} as const;

/** A bridge network's driver options, parsed. */
export interface BridgeOptions {
  /** The Linux bridge. */
  readonly bridge: string;
  readonly isDefault: boolean;
  readonly icc: boolean;
  readonly masquerade: boolean;
  /** The host address of a published port that names none; undefined: every address. */
  readonly hostBinding: string | undefined;
  readonly mtu: number | undefined;
  readonly ifacePrefix: string;
}

/** Parses the options of the bridge network `id`. Unknown ones are passed over, as Docker does; bad values are `invalid`. */
export function parseBridgeOptions(id: string, options: Readonly<Record<string, string>>): BridgeOptions {
  const names = bridgeOptionNames;
  const mode = options[names.gatewayMode];
  if (mode && mode !== "nat") throw notImplemented(`${names.gatewayMode}=${mode} is not implemented yet`);
  const bridge = options[names.name] || `br-${id.slice(0, 12)}`;
  // Both go into paths of /proc/sys, and the bridge's into the text of the firewall.
  if (!/^[a-z0-9][\w.-]{0,14}$/i.test(bridge)) throw invalid(`invalid bridge name ${JSON.stringify(bridge)}`);
  const ifacePrefix = options[names.ifacePrefix] || "eth";
  if (!/^[a-z][\w.-]{0,11}$/i.test(ifacePrefix))
    throw invalid(`invalid interface prefix ${JSON.stringify(ifacePrefix)}`);
  const hostBinding = options[names.hostBinding];
  if (hostBinding && isIP(hostBinding) === 0) throw invalid(`invalid value for ${names.hostBinding}: ${hostBinding}`);
  return {
    bridge,
    isDefault: flag(options, names.defaultBridge, false),
    icc: flag(options, names.icc, true),
    masquerade: flag(options, names.masquerade, true),
    hostBinding: hostBinding && hostBinding !== "0.0.0.0" ? hostBinding : undefined,
    mtu: integer(options, names.mtu),
    ifacePrefix,
  };
}

/** The spellings that Go's `strconv.ParseBool` takes. */
function flag(options: Readonly<Record<string, string>>, name: string, fallback: boolean): boolean {
  const text = options[name];
  if (text === undefined || text === "") return fallback;
  if (["1", "t", "T", "true", "TRUE", "True"].includes(text)) return true;
  if (["0", "f", "F", "false", "FALSE", "False"].includes(text)) return false;
  throw badOption(name, text, "ParseBool");
}

function integer(options: Readonly<Record<string, string>>, name: string): number | undefined {
  const text = options[name];
  if (text === undefined) return undefined;
  if (!/^[+-]?\d+$/.test(text)) throw badOption(name, text, "Atoi");
  if (Number(text) < 0) throw invalid(`invalid value for ${name}: ${text}`);
  return Number(text) || undefined;
}

function badOption(name: string, text: string, parser: string) {
  return invalid(
    `failed to parse ${name} value: ${text} (strconv.${parser}: parsing ${JSON.stringify(text)}: invalid syntax)`,
  );
}
