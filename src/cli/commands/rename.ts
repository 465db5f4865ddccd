import { type Command, exactly } from "../command.ts";
import { Failure, textOf } from "../failure.ts";

export const command: Command = {
  usage: "CONTAINER NEW_NAME",
  summary: "Rename a container",
  args: exactly(2),
  flags: [],
  async run({ context, args }) {
    const [from, to] = args.map((word) => word.trim()) as [string, string];
    if (from === "" || to === "") throw new Failure("Error: Neither old nor new names may be empty");
    try {
      await context.client.call("POST /containers/{id}/rename", { params: { id: from }, query: { name: to } });
    } catch (error) {
      throw new Failure(`${textOf(error)}\nError: failed to rename container named ${from}`, 1, error);
    }
  },
};
