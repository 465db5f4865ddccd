import { atLeast, type Command } from "../command.ts";
import { oneFormat } from "../common-flags.ts";
import { bool } from "../flags.ts";
import { inspectObjects } from "../inspect-objects.ts";

export const command: Command = {
  usage: "[OPTIONS] NETWORK [NETWORK...]",
  summary: "Show everything about networks",
  args: atLeast(1),
  flags: [oneFormat(), bool("verbose", "v", "Show what helps in diagnosis")],
  run: ({ context, flags, args }) =>
    inspectObjects(context, args, flags.string("format"), (id) =>
      context.client.call("GET /networks/{id}", {
        params: { id },
        query: flags.bool("verbose") ? { verbose: true } : {},
      }),
    ),
};
