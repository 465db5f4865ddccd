import { atLeast, type Command } from "../command.ts";
import { oneFormat } from "../common-flags.ts";
import { inspectObjects } from "../inspect-objects.ts";
import { sortedFields } from "./inspect.ts";

export const command: Command = {
  usage: "[OPTIONS] VOLUME [VOLUME...]",
  summary: "Show everything about volumes",
  args: atLeast(1),
  flags: [oneFormat()],
  run: ({ context, flags, args }) =>
    inspectObjects(context, args, flags.string("format"), (id) =>
      context.client.call("GET /volumes/{name}", { params: { name: id } }).then(sortedFields),
    ),
};
