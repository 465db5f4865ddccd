import { atLeast, type Command } from "../command.ts";
import { oneFormat, platform } from "../common-flags.ts";
import { inspectObjects } from "../inspect-objects.ts";
import { platformJson } from "../parse/platform.ts";

export const command: Command = {
  usage: "[OPTIONS] IMAGE [IMAGE...]",
  summary: "Show everything about images",
  args: atLeast(1),
  flags: [oneFormat(), platform("Show this platform of an image of several")],
  run: ({ context, flags, args }) =>
    inspectObjects(context, args, flags.string("format"), (id) =>
      context.client.call("GET /images/{name}/json", {
        params: { name: id },
        query: platformJson(flags.string("platform")),
      }),
    ),
};
