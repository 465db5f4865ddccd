import { atLeast, type Command } from "../command.ts";
import { oneFormat } from "../common-flags.ts";
import type { Context } from "../context.ts";
import { Failure, isNotFound } from "../failure.ts";
import { bool, string } from "../flags.ts";
import { inspectObjects } from "../inspect-objects.ts";

type Finder = (context: Context, name: string, size: boolean) => Promise<unknown>;

/** In the order in which they are tried. */
const finders: Readonly<Record<string, Finder>> = {
  container: (context, id, size) =>
    context.client.call("GET /containers/{id}/json", { params: { id }, query: size ? { size } : {} }),
  image: (context, name) => context.client.call("GET /images/{name}/json", { params: { name } }),
  network: (context, id) => context.client.call("GET /networks/{id}", { params: { id } }),
  volume: (context, name) => context.client.call("GET /volumes/{name}", { params: { name } }),
};

export const command: Command = {
  usage: "[OPTIONS] NAME|ID [NAME|ID...]",
  summary: "Show everything about objects of any type",
  args: atLeast(1),
  flags: [
    oneFormat(),
    bool("size", "s", "Show sizes where the object is a container"),
    string("type", "", "Look only among objects of this type"),
  ],
  async run({ context, flags, args }) {
    const type = flags.string("type");
    if (flags.changed("type") && finders[type] === undefined)
      throw new Failure(
        type === ""
          ? 'type is empty: must be one of "config", "container", "image", "network", "node", "plugin", "secret", "service", "task", "volume"'
          : `unknown type: ${JSON.stringify(type)}: must be one of "container", "image", "network", "volume"`,
      );
    const kinds = type === "" ? Object.keys(finders) : [type];
    return inspectObjects(context, args, flags.string("format"), async (name) => {
      for (const kind of kinds) {
        try {
          return await finders[kind]!(context, name, flags.bool("size"));
        } catch (error) {
          // A name that no object of this type can have is no object of this type.
          const isWrongName = kinds.length > 1 && /invalid reference format/.test((error as Error).message);
          if (!isNotFound(error) && !isWrongName) throw error;
        }
      }
      throw new Failure(kinds.length > 1 ? `Error: No such object: ${name}` : `Error: No such ${kinds[0]}: ${name}`);
    });
  },
};
