import { familiarName } from "../../oci/reference.ts";
import { between, type Command } from "../command.ts";
import { platform } from "../common-flags.ts";
import { list, string } from "../flags.ts";
import { reference } from "../parse/image-name.ts";
import { type ProgressLine, showProgress } from "../stream/progress.ts";
import { openFile } from "./load.ts";

export const command: Command = {
  usage: "[OPTIONS] file|URL|- [REPOSITORY[:TAG]]",
  summary: "Make an image from a tar archive of a file system",
  args: between(1, 2),
  flags: [
    list("change", "c", "Apply a Dockerfile instruction to the image"),
    string("message", "m", "Message of the image's history"),
    platform("Platform of the image"),
  ],
  async run({ context, flags, args: [source, name] }) {
    const named = name === undefined ? undefined : reference(name);
    const isUrl = /^https?:\/\//.test(source!);
    const lines = await context.client.lines("POST /images/create", {
      query: {
        fromSrc: isUrl ? source! : "-",
        ...(named && { repo: familiarName(named), ...(named.tag && { tag: named.tag }) }),
        ...(flags.string("message") !== "" && { message: flags.string("message") }),
        ...(flags.list("change").length > 0 && { changes: flags.list("change") }),
        ...(flags.string("platform") !== "" && { platform: flags.string("platform") }),
      },
      ...(!isUrl && { body: source === "-" ? context.stdin : await openFile(source!) }),
    });
    await showProgress(lines as AsyncIterable<ProgressLine>, context.stdout);
  },
};
