import { arch } from "node:process";
import { invalid } from "../base/errors.ts";

/** OCI image-spec, image-index.md, `platform`. */
export interface Platform {
  readonly os: string;
  readonly architecture: string;
  readonly variant?: string;
  readonly "os.version"?: string;
  readonly "os.features"?: readonly string[];
}

const goArch: Readonly<Record<string, string>> = { x64: "amd64", ia32: "386", arm64: "arm64", arm: "arm" };
const aliases: Readonly<Record<string, readonly [string, string?]>> = {
  x86_64: ["amd64"],
  "x86-64": ["amd64"],
  i386: ["386"],
  aarch64: ["arm64"],
  armhf: ["arm", "v7"],
  armel: ["arm", "v6"],
};

/** The platform that this machine runs. */
export function hostPlatform(): Platform {
  return { os: "linux", architecture: goArch[arch] ?? arch };
}

/** Parses `os[/arch[/variant]]` or `arch` with the usual aliases (containerd/platforms). `invalid` where it is neither. */
export function parsePlatform(text: string): Platform {
  const parts = text.toLowerCase().split("/");
  if (parts.length > 3 || parts.some((part) => !/^[a-z0-9_.-]+$/.test(part)))
    throw invalid(`${JSON.stringify(text)}: an invalid platform; expected os/arch[/variant]`);
  if (parts.length === 1) {
    if (parts[0] === "linux") return hostPlatform();
    return normalize("linux", parts[0]!);
  }
  return normalize(parts[0]!, parts[1]!, parts[2]);
}

/** `linux/arm64/v8`. */
export function formatPlatform(platform: Platform): string {
  return [platform.os, platform.architecture, platform.variant].filter(Boolean).join("/");
}

/** True where an image of platform `image` is what was asked for. arm64 and arm64/v8 are one, amd64 and amd64/v1 too. */
export function matchesPlatform(wanted: Platform, image: Platform): boolean {
  const a = normalize(wanted.os, wanted.architecture, wanted.variant);
  const b = normalize(image.os, image.architecture, image.variant);
  return a.os === b.os && a.architecture === b.architecture && (a.variant === b.variant || a.variant === undefined);
}

function normalize(os: string, architecture: string, variant?: string): Platform {
  const [name, implied] = aliases[architecture] ?? [architecture];
  const own = variant ?? implied;
  const redundant = (name === "arm64" && (own === "v8" || own === "8")) || (name === "amd64" && own === "v1");
  return own === undefined || own === "" || redundant
    ? { os, architecture: name }
    : { os, architecture: name, variant: own };
}
