import { posix } from "node:path";
import { invalid } from "../base/errors.ts";
import type { ContainerConfig } from "../client/endpoints/container-config.ts";
import type { HealthConfig, ImageRunConfig } from "../oci/image.ts";

/** What a container is, once its image has had its say. */
export interface MergedConfig {
  readonly config: ContainerConfig;
  /** The executable. */
  readonly path: string;
  /** Its arguments. */
  readonly args: readonly string[];
}

/**
 * Fills a container's request from its image by Docker's rules: what the request says wins; environment, labels, ports
 * and volumes are united; an entry point of the request's own drops the image's command. Throws `invalid`
 * "no command specified", and for a working directory that is not absolute.
 */
export function mergeConfig(request: ContainerConfig, image: ImageRunConfig = {}): MergedConfig {
  const { entrypoint, cmd } = commandOf(request, image);
  const [path, ...args] = [...entrypoint, ...cmd];
  if (path === undefined) throw invalid("no command specified");
  const config: ContainerConfig = {
    ...request,
    User: request.User || image.User || "",
    Env: mergeEnv(request.Env ?? [], image.Env ?? []),
    Cmd: cmd.length > 0 ? cmd : undefined,
    Entrypoint: entrypoint.length > 0 ? entrypoint : undefined,
    WorkingDir: workingDir(request.WorkingDir || image.WorkingDir || ""),
    StopSignal: request.StopSignal || image.StopSignal || undefined,
    Labels: { ...image.Labels, ...request.Labels },
    ExposedPorts: united(request.ExposedPorts, image.ExposedPorts),
    Volumes: united(request.Volumes, image.Volumes),
    Shell: request.Shell?.length ? request.Shell : image.Shell && [...image.Shell],
    Healthcheck: mergeHealth(request.Healthcheck, image.Healthcheck),
  };
  return { config: dropUndefined(config), path, args };
}

/**
 * The entry point and the command. `null` and absent mean "the image's"; an empty list means "none of the image's"; a
 * list of one empty string does, too, and drops the image's command with it, as any entry point of the request's does.
 */
function commandOf(request: ContainerConfig, image: ImageRunConfig): { entrypoint: string[]; cmd: string[] } {
  const entrypoint = list(request.Entrypoint);
  const cmd = list(request.Cmd) ?? [];
  if (entrypoint !== undefined && entrypoint.length > 0)
    return { entrypoint: entrypoint.length === 1 && entrypoint[0] === "" ? [] : entrypoint, cmd };
  return {
    entrypoint: entrypoint ?? [...(image.Entrypoint ?? [])],
    cmd: cmd.length > 0 ? cmd : [...(image.Cmd ?? [])],
  };
}

/** A command given as one string is one word, not a line for a shell: so Docker's API has it. */
function list(value: readonly string[] | string | null | undefined): string[] | undefined {
  if (value === null || value === undefined) return undefined;
  return typeof value === "string" ? [value] : [...value];
}

/** The request's variables, then those of the image that it does not name. */
function mergeEnv(own: readonly string[], image: readonly string[]): string[] {
  const keyOf = (variable: string): string => variable.split("=", 1)[0]!;
  const keys = new Set(own.map(keyOf));
  return [...own, ...image.filter((variable) => !keys.has(keyOf(variable)))];
}

function workingDir(path: string): string {
  if (path === "") return "";
  if (!path.startsWith("/"))
    throw invalid(`the working directory '${path}' is invalid, it needs to be an absolute path`, { path });
  const clean = posix.normalize(path);
  return clean.length > 1 && clean.endsWith("/") ? clean.slice(0, -1) : clean;
}

function united(
  own: Readonly<Record<string, object>> | undefined,
  image: Readonly<Record<string, object>> | null | undefined,
): Record<string, object> | undefined {
  const all = { ...image, ...own };
  return Object.keys(all).length > 0 ? all : undefined;
}

/** Field by field; a zero counts as absent. */
function mergeHealth(
  own: ContainerConfig["Healthcheck"],
  image: HealthConfig | undefined,
): ContainerConfig["Healthcheck"] {
  if (own === undefined) return image && { ...image, Test: image.Test && [...image.Test] };
  if (image === undefined) return own;
  const test = own.Test?.length ? own.Test : image.Test && [...image.Test];
  return dropUndefined({
    Test: test,
    Interval: own.Interval || image.Interval,
    Timeout: own.Timeout || image.Timeout,
    StartPeriod: own.StartPeriod || image.StartPeriod,
    StartInterval: own.StartInterval || image.StartInterval,
    Retries: own.Retries || image.Retries,
  });
}

/** For records and JSON: a field that is undefined is none. */
function dropUndefined<T extends object>(fields: T): T {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as T;
}
