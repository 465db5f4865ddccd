import { containerEndpoints } from "./containers.ts";
import type { BodyOf, EndpointSpec, PathParams, QueryOf, ResponseOf } from "./endpoint.ts";
import { eventEndpoints } from "./events.ts";
import { execEndpoints } from "./exec.ts";
import { imageEndpoints } from "./images.ts";
import { networkEndpoints } from "./networks.ts";
import { systemEndpoints } from "./system.ts";
import { volumeEndpoints } from "./volumes.ts";

/** Every endpoint that the engine has. */
export const endpoints = [
  ...systemEndpoints,
  ...eventEndpoints,
  ...containerEndpoints,
  ...execEndpoints,
  ...imageEndpoints,
  ...networkEndpoints,
  ...volumeEndpoints,
] as const;

type Endpoint = (typeof endpoints)[number];
type Kind<E extends EndpointSpec> = E["kind"] extends string ? E["kind"] : "json";

/** The endpoints by `METHOD /path`, which is how a client names them. Types only: a client need not load a schema. */
export type Endpoints = {
  [E in Endpoint as `${E["method"]} ${E["path"]}`]: {
    readonly kind: Kind<E>;
    readonly params: PathParams<E["path"]>;
    readonly query: QueryOf<E>;
    readonly body: BodyOf<E>;
    readonly response: ResponseOf<E>;
  };
};

/** The names of the endpoints of one kind. */
export type EndpointsOf<K extends EndpointSpec["kind"]> = {
  [N in keyof Endpoints]: Endpoints[N]["kind"] extends K ? N : never;
}[keyof Endpoints];
