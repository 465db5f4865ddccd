/** The embedding API: `import { Engine } from "keelson"`. */
export { type ErrorKind, isKind, KeelsonError } from "./base/errors.ts";
export type { EngineEvent } from "./base/events.ts";
export { Operation } from "./base/operation.ts";
export type { Container, Containers } from "./containers/containers.ts";
export { Engine } from "./engine/engine.ts";
export type { EngineOptions } from "./engine/options.ts";
export type { Running, RunOptions } from "./engine/run.ts";
export type { Image, Images } from "./images/images.ts";
export type { Network, Networks } from "./networks/networks.ts";
export type { Volume, Volumes } from "./volumes/volumes.ts";
