import { version as packageVersion } from "../../base/version.ts";
import { type Command, noArgs } from "../command.ts";
import { oneFormat } from "../common-flags.ts";
import { Failure, textOf } from "../failure.ts";
import { type EngineInfo, infoText, infoWarnings } from "../format/info.ts";
import { structured } from "../format/inspect.ts";
import { compileOne, lineOf } from "../format/one.ts";
import { Struct } from "../template/values.ts";

export const command: Command = {
  usage: "[OPTIONS]",
  summary: "Show what the engine and its host are",
  args: noArgs,
  flags: [oneFormat()],
  async run({ context, flags }) {
    const format = flags.string("format");
    const template = format === "" ? undefined : compileOne(format);
    const client = {
      Debug: context.globals.bool("debug"),
      Version: packageVersion,
      Context: "default",
      Plugins: [],
      Warnings: null,
    };
    let info: EngineInfo | undefined;
    let failure: unknown;
    try {
      info = (await context.client.call("GET /info")) as EngineInfo;
    } catch (error) {
      failure = error;
    }
    if (template) {
      const fields = Object.fromEntries(
        Object.entries({ ...info, ClientInfo: client }).map(([k, v]) => [k, structured(v)]),
      );
      context.print(lineOf(context, () => template(new Struct("system.dockerInfo", fields))));
      if (failure) throw failure;
      return;
    }
    context.print(
      `Client:\n Version:    ${client.Version}\n Context:    ${client.Context}\n Debug Mode: ${client.Debug}\n\nServer:\n`,
    );
    if (info === undefined) throw new Failure(`${textOf(failure)}\nerrors pretty printing info`, 1, failure);
    context.print(`${infoText(info)}\n`);
    for (const warning of infoWarnings(info)) context.warn(`${warning}\n`);
  },
};
