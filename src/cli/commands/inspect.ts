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

/** Templates see a volume's fields in alphabetical order, whatever the order of the answer: so they stand in Docker's type. */
export function sortedFields(object: object): object {
  return Object.fromEntries(Object.entries(object).sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** Every type that Docker knows. */
const types = ["config", "container", "image", "network", "node", "plugin", "secret", "service", "task", "volume"];
const typeList = types.map((type) => JSON.stringify(type)).join(", ");

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
    if (flags.changed("type") && !types.includes(type))
      throw new Failure(
        `${type === "" ? "type is empty" : `unknown type: ${JSON.stringify(type)}`}: must be one of ${typeList}`,
      );
    if (type !== "" && finders[type] === undefined)
      throw new Failure(`keelson: objects of type '${type}' are not there yet`);
    const kinds = type === "" ? Object.keys(finders) : [type];
    return inspectObjects(context, args, flags.string("format"), async (name) => {
      for (const kind of kinds) {
        try {
          const found = await finders[kind]!(context, name, flags.bool("size"));
          return kind === "volume" && flags.string("format") !== "" ? sortedFields(found as object) : found;
        } catch (error) {
          // A name that no object of this type can have is no object of this type.
          if (kinds.length === 1) throw error;
          const isWrongName = /invalid reference format/.test((error as Error).message);
          if (!isNotFound(error) && !isWrongName) throw error;
        }
      }
      throw new Failure(`Error: No such object: ${name}`);
    });
  },
};
