import { invalid } from "../../base/errors.ts";
import {
  type ContainerCreateBody,
  containerCreate,
  containerInspect,
  containerKill,
  containerRemove,
  containerRename,
  containerResize,
  containerRestart,
  containerStart,
  containerStop,
  containerTop,
} from "../../client/endpoints/containers.ts";
import type { CreateRequest, StopOptions } from "../../containers/containers.ts";
import { parsePlatform } from "../../oci/platform.ts";
import { terminalSize } from "../decode/size.ts";
import { type Route, route } from "../route.ts";
import type { ApiServices } from "../services.ts";
import { atLeast, shape } from "../versions.ts";
import { containerInspect as inspectToWire } from "../wire/container-inspect.ts";

/** Endpoints that act on one container. */
export function containerRoutes({ containers, system }: Pick<ApiServices, "containers" | "system">): Route[] {
  return [
    route(containerCreate, async ({ op, query, body, version }) => {
      const { request, warnings } = createRequest(body, version);
      const { id, warnings: more } = await containers.create(op, {
        ...request,
        ...(query.name && { name: query.name }),
        ...(query.platform && { platform: parsePlatform(query.platform) }),
      });
      return { Id: id, Warnings: [...warnings, ...more] };
    }),
    route(containerInspect, async ({ op, params, query, version }) => {
      const container = containers.get(params.id);
      const size = query.size ? await containers.size(op, container.id) : undefined;
      return shape("ContainerInspect", version, inspectToWire(container, system, size));
    }),
    route(containerTop, async ({ op, params, query }) => {
      const { titles, processes } = await containers.top(op, params.id, query.ps_args || undefined);
      return { Titles: titles, Processes: processes };
    }),
    route(containerStart, async ({ op, params, query, headers }) => {
      const isJson = headers["content-type"]?.startsWith("application/json");
      // Docker allows the two bytes that some clients send for "nothing".
      if (isJson && Number(headers["content-length"] ?? 0) > 2)
        throw invalid(
          "starting container with non-empty request body was deprecated since API v1.22 and removed in v1.24",
        );
      if (query.checkpoint) throw invalid("checkpoints are not supported");
      await containers.start(op, params.id);
    }),
    route(containerStop, ({ op, params, query, version }) =>
      containers.stop(op, params.id, stopOptions(query, version)),
    ),
    route(containerRestart, ({ op, params, query, version }) =>
      containers.restart(op, params.id, stopOptions(query, version)),
    ),
    route(containerKill, ({ op, params, query }) => containers.kill(op, params.id, query.signal || undefined)),
    route(containerRename, async ({ op, params, query }) => {
      if (!query.name) throw invalid("Neither old nor new names may be empty");
      await containers.rename(op, params.id, query.name);
    }),
    route(containerResize, ({ op, params, query }) => containers.resize(op, params.id, terminalSize(query))),
    route(containerRemove, async ({ op, params, query }) => {
      if (query.link) throw invalid("Conflict, cannot remove the default link name of the container");
      await containers.remove(op, params.id, { force: query.force ?? false, volumes: query.v ?? false });
    }),
  ];
}

/** The signal came with 1.42; before it, the parameter was nothing's. */
function stopOptions(query: { signal?: string; t?: number }, version: string): StopOptions {
  return {
    ...(query.signal && atLeast(version, "1.42") && { signal: query.signal }),
    ...(query.t !== undefined && { timeout: query.t }),
  };
}

interface Decoded {
  readonly request: CreateRequest;
  readonly warnings: string[];
}

/** Splits the body into what it is made of, and gives old clients the defaults of their time. */
function createRequest(body: ContainerCreateBody | undefined, version: string): Decoded {
  const { HostConfig: hostConfig = {}, NetworkingConfig: networkingConfig, ...config } = body ?? {};
  if (Object.keys(config).length === 0) throw invalid("config cannot be empty in order to create a container");
  const host = {
    ...hostConfig,
    ...(!hostConfig.CgroupnsMode && !atLeast(version, "1.41") && { CgroupnsMode: "host" }),
    ...(!hostConfig.IpcMode && !atLeast(version, "1.40") && { IpcMode: "shareable" }),
  };
  const request: CreateRequest = { config, hostConfig: host, ...(networkingConfig && { networkingConfig }) };
  return config.MacAddress ? moveMac(request, config.MacAddress, version) : { request, warnings: [] };
}

/** Since 1.44 the MAC address is the endpoint's; the container-wide one goes to the network of the network mode. */
function moveMac(request: CreateRequest, mac: string, version: string): Decoded {
  const mode = request.hostConfig.NetworkMode || "bridge";
  const warnings = atLeast(version, "1.44")
    ? ["The container-wide MacAddress field is now deprecated. It should be specified in EndpointsConfig instead."]
    : [];
  if (mode === "none" || mode === "host" || mode.startsWith("container:")) return { request, warnings };
  const name = mode === "default" ? "bridge" : mode;
  const endpoints = request.networkingConfig?.EndpointsConfig ?? {};
  const asked = endpoints[name] ?? {};
  if (asked.MacAddress && asked.MacAddress !== mac)
    throw invalid("conflicting options: mac-address cannot be different between container and network settings");
  const { MacAddress: _, ...config } = request.config;
  const networkingConfig = {
    ...request.networkingConfig,
    EndpointsConfig: { ...endpoints, [name]: { ...asked, MacAddress: mac } },
  };
  return { request: { ...request, config, networkingConfig }, warnings };
}
