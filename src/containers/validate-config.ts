import { invalid } from "../base/errors.ts";
import type { ContainerConfig } from "../client/endpoints/container-config.ts";
import { parseSignal } from "./signals.ts";

/** What a container's own half of the request (`Config`) must be. */
export function checkConfig(config: ContainerConfig, warn: (text: string) => void): void {
  checkEnv(config.Env ?? []);
  if (config.StopSignal) parseSignal(config.StopSignal);
  checkHealth(config.Healthcheck);
  checkHostname(config.Hostname ?? "", config.Domainname ?? "");
  checkNul("command", [config.Entrypoint ?? [], config.Cmd ?? [], config.WorkingDir ?? "", config.User ?? ""].flat());
  const { MacAddress: mac } = config;
  if (!mac) return;
  if (!/^[0-9a-f]{2}([:-][0-9a-f]{2}){5}$/i.test(mac)) throw invalid(`invalid MAC address ${mac}`);
  warn("The container-wide MacAddress field is now deprecated. It should be specified in EndpointsConfig instead.");
}

/** `NAME=value`, or `NAME` alone, which takes a variable of the image's out. */
export function checkEnv(env: readonly string[]): void {
  for (const variable of env)
    if (variable === "" || variable.startsWith("=")) throw invalid(`invalid environment variable: ${variable}`);
  checkNul("environment variable", env);
}

/** A NUL would end the string in the kernel; what follows it would be lost without a word. */
function checkNul(what: string, texts: readonly string[]): void {
  const found = texts.find((text) => text.includes("\0"));
  if (found !== undefined) throw invalid(`invalid ${what} ${JSON.stringify(found)}: contains nul byte (\\x00)`);
}

/** The kernel takes 64 bytes (sethostname(2), setdomainname(2)). */
function checkHostname(hostname: string, domainname: string): void {
  checkNul("hostname", [hostname, domainname]);
  if (/[\n/]/.test(hostname + domainname)) throw invalid(`invalid hostname format: ${hostname || domainname}`);
  if (Buffer.byteLength(hostname) > 64) throw invalid(`invalid hostname ${hostname}: it is longer than 64 bytes`);
  if (Buffer.byteLength(domainname) > 64) throw invalid(`invalid domainname ${domainname}: it is longer than 64 bytes`);
}

const millisecond = 1_000_000;

function checkHealth(health: ContainerConfig["Healthcheck"]): void {
  if (health === undefined) return;
  for (const field of ["Interval", "Timeout", "StartPeriod", "StartInterval"] as const) {
    const value = health[field] ?? 0;
    if (value !== 0 && value < millisecond) throw invalid(`${field} in Healthcheck cannot be less than 1ms`);
  }
  if ((health.Retries ?? 0) < 0) throw invalid("Retries in Healthcheck cannot be negative");
}
