import { notFound, notImplemented } from "../../base/errors.ts";
import type { NetworkDriver } from "../networks.ts";
import { bridgeDriver } from "./bridge.ts";
import { hostDriver, nullDriver } from "./plain.ts";

const drivers: readonly NetworkDriver[] = [bridgeDriver, hostDriver, nullDriver];
/** Docker's others, which are to come. */
const planned: readonly string[] = ["macvlan", "ipvlan", "overlay"];

/** The driver of that name; `notFound` in Docker's words for a plugin that nobody knows. */
export function driverOf(name: string): NetworkDriver {
  const driver = drivers.find((known) => known.name === name);
  if (driver) return driver;
  if (planned.includes(name)) throw notImplemented(`network driver "${name}" is not implemented yet`);
  throw notFound(`plugin "${name}" not found`);
}
