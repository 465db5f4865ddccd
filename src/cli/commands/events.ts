import { type Command, noArgs } from "../command.ts";
import { filter, oneFormat } from "../common-flags.ts";
import { string } from "../flags.ts";
import { type EventMessage, eventLine, eventStruct } from "../format/events.ts";
import { compileOne } from "../format/one.ts";
import { filterMap } from "../parse/policies.ts";
import { parseTimestamp } from "../parse/timestamps.ts";
import { write } from "../stream/write.ts";

const words = { fault: "Error parsing format", runFault: "Error parsing format: " };

export const command: Command = {
  usage: "[OPTIONS]",
  summary: "Show what happens in the engine, as it happens",
  args: noArgs,
  flags: [
    filter("Show only events that match"),
    { ...oneFormat(""), short: "" },
    string("since", "", "Show what happened since this time too"),
    string("until", "", "Stop at this time"),
  ],
  async run({ context, flags }) {
    const template = flags.string("format") === "" ? undefined : compileOne(flags.string("format"), words);
    const [since, until] = [flags.string("since"), flags.string("until")];
    const events = await context.client.lines("GET /events", {
      query: {
        ...(since !== "" && { since: parseTimestamp(since) }),
        ...(until !== "" && { until: parseTimestamp(until) }),
        filters: filterMap(flags.get("filter")),
      },
    });
    for await (const event of events as AsyncIterable<EventMessage>)
      await write(context.stdout, template ? `${template(eventStruct(event))}\n` : eventLine(event));
  },
};
