import { atLeast, type Command } from "../command.ts";
import type { Context } from "../context.ts";
import { Failure, throwAll } from "../failure.ts";

export const command: Command = {
  usage: "CONTAINER [CONTAINER...]",
  summary: "Wait until containers stop, and print their exit codes",
  args: atLeast(1),
  flags: [],
  async run({ context, args }) {
    const errors: unknown[] = [];
    for (const id of args) {
      try {
        context.print(`${await waitFor(context, id)}\n`);
      } catch (error) {
        errors.push(error);
      }
    }
    throwAll(errors);
  },
};

async function waitFor(context: Context, id: string): Promise<number> {
  for await (const { StatusCode, Error: error } of await context.client.lines("POST /containers/{id}/wait", {
    params: { id },
  })) {
    if (error?.Message) throw new Failure(error.Message);
    return StatusCode;
  }
  throw new Failure(`the engine went away while we waited for ${id}`);
}
