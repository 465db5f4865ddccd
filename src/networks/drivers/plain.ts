import type { NetworkDriver } from "../networks.ts";

const nothing = { operations: [] } as const;

function plainDriver(name: string): NetworkDriver {
  return {
    name,
    scope: "local",
    validate: (request) => request,
    plan: () => nothing,
    unplan: () => nothing,
    join: () => nothing,
    leave: () => nothing,
  };
}

/** The host's own namespace: nothing to wire. */
export const hostDriver = plainDriver("host");
/** A namespace with nothing but `lo`. */
export const nullDriver = plainDriver("null");
