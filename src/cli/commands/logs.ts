import { messageOf } from "../../base/errors.ts";
import { type Command, exactly } from "../command.ts";
import { Failure } from "../failure.ts";
import { bool, string } from "../flags.ts";
import { parseTimestamp } from "../parse/timestamps.ts";
import { FrameReader } from "../stream/frames.ts";
import { write } from "../stream/write.ts";

export const command: Command = {
  usage: "[OPTIONS] CONTAINER",
  summary: "Show the output of a container",
  args: exactly(1),
  flags: [
    bool("details", "", "Show the attributes that the log driver adds"),
    bool("follow", "f", "Go on with what comes"),
    string("since", "", 'Show what came after this time ("2013-01-02T13:23:37Z"), or this long ago ("42m")'),
    { ...string("tail", "n", "Number of lines to show from the end", "all") },
    bool("timestamps", "t", "Show times"),
    string("until", "", 'Show what came before this time ("2013-01-02T13:23:37Z"), or this long ago ("42m")'),
  ],
  async run({ context, flags, args: [name] }) {
    const { Id: id, Config } = await context.client.call("GET /containers/{id}/json", { params: { id: name! } });
    const answer = await context.client.raw("GET /containers/{id}/logs", {
      params: { id },
      query: {
        stdout: true,
        stderr: true,
        ...(flags.bool("follow") && { follow: true }),
        ...(flags.bool("timestamps") && { timestamps: true }),
        ...(flags.bool("details") && { details: true }),
        ...time("since", flags.string("since")),
        ...time("until", flags.string("until")),
        tail: flags.string("tail"),
      },
    });
    const pending: Array<[NodeJS.WriteStream, Buffer]> = [];
    const frames = new FrameReader((stream, bytes) => {
      pending.push([stream === "stderr" ? context.stderr : context.stdout, bytes]);
    });
    for await (const chunk of answer as AsyncIterable<Buffer>) {
      if (Config.Tty) pending.push([context.stdout, chunk]);
      else frames.push(chunk);
      for (const [target, bytes] of pending.splice(0)) await write(target, bytes);
    }
  },
};

function time(name: "since" | "until", text: string): Record<string, string> {
  try {
    return text === "" ? {} : { [name]: parseTimestamp(text) };
  } catch (error) {
    throw new Failure(`invalid value for ${JSON.stringify(name)}: ${messageOf(error)}`, 1, error);
  }
}
