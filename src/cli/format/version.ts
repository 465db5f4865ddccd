import { version as packageVersion } from "../../base/version.ts";
import { newestVersion } from "../../client/client.ts";
import { hostPlatform } from "../../oci/platform.ts";
import { Struct } from "../template/values.ts";
import { alignTabs } from "./tabs.ts";

export interface ClientVersion {
  readonly Version: string;
  readonly ApiVersion: string;
  readonly DefaultAPIVersion: string;
  readonly GitCommit: string;
  readonly GoVersion: string;
  readonly Os: string;
  readonly Arch: string;
  readonly BuildTime: string;
  readonly Context: string;
}

/** What `GET /version` says. */
export interface ServerVersion {
  readonly Platform?: { readonly Name?: string };
  readonly Components?: ReadonlyArray<{
    readonly Name: string;
    readonly Version: string;
    readonly Details?: Readonly<Record<string, string>> | null;
  }> | null;
  readonly [field: string]: unknown;
}

/** Our own half. `api` is the version agreed on with the engine. */
export function clientVersion(api: string = newestVersion): ClientVersion {
  const { os, architecture } = hostPlatform();
  return {
    Version: packageVersion,
    ApiVersion: api,
    DefaultAPIVersion: newestVersion,
    GitCommit: "",
    GoVersion: `node${process.version}`,
    Os: os,
    Arch: architecture,
    BuildTime: "",
    Context: "default",
  };
}

/** Both halves as templates see them. */
export function versionData(client: ClientVersion, server: ServerVersion | undefined): Struct {
  const half = (fields: object): Struct => new Struct("versionInfo", fields as Record<string, unknown>);
  const whole = server && {
    ...server,
    Components: (server.Components ?? []).map(half),
    Platform: half({ Name: "", ...server.Platform }),
  };
  return new Struct("system.versionInfo", { Client: half(client), Server: whole ? half(whole) : null });
}

/** What `version` prints. */
export function versionText(client: ClientVersion, server: ServerVersion | undefined): string {
  const lines = [
    "Client:",
    ` Version:\t${client.Version}`,
    ` API version:\t${client.ApiVersion}${client.ApiVersion === client.DefaultAPIVersion ? "" : ` (downgraded from ${client.DefaultAPIVersion})`}`,
    ` Node version:\t${process.version}`,
    ` OS/Arch:\t${client.Os}/${client.Arch}`,
    ` Context:\t${client.Context}`,
    ...(server ? serverLines(server) : []),
  ];
  return `${alignTabs(lines.join("\n"), { minWidth: 20, padding: 1 })}\n`;
}

function serverLines({ Platform, Components }: ServerVersion): string[] {
  const platform = Platform?.Name ? ` ${Platform.Name}` : "";
  return ["", `Server:${platform}`, ...(Components ?? []).flatMap(componentLines)];
}

function componentLines({ Name, Version, Details }: NonNullable<ServerVersion["Components"]>[number]): string[] {
  const details = Details ?? {};
  const head = [` ${Name}:`, `  Version:\t${Version}`];
  if (Name !== "Engine")
    return [
      ...head,
      ...Object.keys(details)
        .sort()
        .map((key) => `  ${key}:\t${details[key]}`),
    ];
  const of = (key: string): string => details[key] ?? "";
  return [
    ...head,
    `  API version:\t${of("ApiVersion")} (minimum version ${of("MinAPIVersion")})`,
    `  Go version:\t${of("GoVersion")}`,
    `  Git commit:\t${of("GitCommit")}`,
    `  Built:\t${ansiDate(of("BuildTime"))}`,
    `  OS/Arch:\t${of("Os")}/${of("Arch")}`,
    `  Experimental:\t${of("Experimental")}`,
  ];
}

/** `Fri May 30 12:07:14 2025`, as C's asctime writes it; what is no date stays as it is. */
function ansiDate(text: string): string {
  const date = new Date(text);
  if (text === "" || Number.isNaN(date.getTime())) return text;
  const [day, month, , ...rest] = date.toString().split(" ") as [string, string, string, string, string];
  return `${day} ${month} ${String(date.getDate()).padStart(2)} ${rest[1]} ${rest[0]}`;
}
