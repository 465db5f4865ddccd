import { type Command, noArgs } from "../command.ts";
import { oneFormat } from "../common-flags.ts";
import { compileOne, lineOf } from "../format/one.ts";
import { clientVersion, type ServerVersion, versionData, versionText } from "../format/version.ts";

export const command: Command = {
  usage: "[OPTIONS]",
  summary: "Show the versions of client and engine",
  args: noArgs,
  flags: [oneFormat()],
  async run({ context, flags }) {
    const format = flags.string("format");
    const template = format === "" ? undefined : compileOne(format, { name: "version" });
    let server: ServerVersion | undefined;
    let failure: unknown;
    let api: string | undefined;
    try {
      server = (await context.client.call("GET /version")) as ServerVersion;
      api = await context.client.version();
    } catch (error) {
      failure = error;
    }
    const client = clientVersion(api);
    // The client's half is of use even where there is no engine.
    context.print(
      template ? lineOf(context, () => template(versionData(client, server))) : versionText(client, server),
    );
    if (failure) throw failure;
  },
};
