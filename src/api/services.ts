import type { EventBus } from "../base/events.ts";
import type { Logger } from "../base/log.ts";
import type { Operation } from "../base/operation.ts";
import type { EndpointConfig } from "../client/endpoints/container-config.ts";
import type { AuthConfig } from "../client/endpoints/system.ts";
import type { Containers } from "../containers/containers.ts";
import type { Images } from "../images/images.ts";
import type { Networks } from "../networks/networks.ts";
import type { Volumes } from "../volumes/volumes.ts";
import type { SystemInfo } from "./system.ts";

/** What the API stands on. An optional part that is absent makes its endpoints answer 501 by name. */
export interface ApiServices {
  readonly containers: Containers;
  readonly images: Images;
  readonly networks: Networks;
  readonly volumes: Volumes;
  readonly events: EventBus;
  readonly system: SystemInfo;
  readonly log?: Logger;
  readonly membership?: NetworkMembership;
  readonly login?: Login;
}

/** Puts a container on a network and takes it off, whether it runs or not. */
export interface NetworkMembership {
  connect(op: Operation, network: string, container: string, endpoint: EndpointConfig): Promise<void>;
  disconnect(op: Operation, network: string, container: string, options: { readonly force: boolean }): Promise<void>;
}

/** Checks credentials with a registry, for `docker login`. `unauthorized` where it refuses them. */
export interface Login {
  login(op: Operation, auth: AuthConfig): Promise<{ readonly status: string; readonly identityToken: string }>;
}
