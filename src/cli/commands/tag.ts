import { canonicalName } from "../../oci/reference.ts";
import { type Command, exactly } from "../command.ts";
import { Failure } from "../failure.ts";
import { reference } from "../parse/image-name.ts";

export const command: Command = {
  usage: "SOURCE_IMAGE[:TAG] TARGET_IMAGE[:TAG]",
  summary: "Give an image another name",
  args: exactly(2),
  flags: [],
  async run({ context, args: [source, target] }) {
    const name = reference(
      target!,
      (reason) => `Error parsing reference: ${JSON.stringify(target)} is not a valid repository/tag: ${reason}`,
    );
    if (name.digest) throw new Failure("refusing to create a tag with a digest reference");
    await context.client.call("POST /images/{name}/tag", {
      params: { name: source! },
      query: { repo: canonicalName(name), tag: name.tag ?? "latest" },
    });
  },
};
