import { atLeast, type Command } from "../command.ts";
import { oneFormat } from "../common-flags.ts";
import { bool } from "../flags.ts";
import { inspectObjects } from "../inspect-objects.ts";

export const command: Command = {
  usage: "[OPTIONS] CONTAINER [CONTAINER...]",
  summary: "Show everything about containers",
  args: atLeast(1),
  flags: [oneFormat(), bool("size", "s", "Show sizes")],
  run: ({ context, flags, args }) =>
    inspectObjects(context, args, flags.string("format"), (id) =>
      context.client.call("GET /containers/{id}/json", {
        params: { id },
        query: flags.bool("size") ? { size: true } : {},
      }),
    ),
};
