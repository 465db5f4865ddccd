import { canonicalName, canonicalString, familiarString, type Reference } from "../../oci/reference.ts";
import { type Command, exactly } from "../command.ts";
import type { Context } from "../context.ts";
import { Failure } from "../failure.ts";
import { bool, string } from "../flags.ts";
import { reference } from "../parse/image-name.ts";
import { type ProgressTarget, pullImage } from "../stream/progress.ts";

export const command: Command = {
  usage: "[OPTIONS] NAME[:TAG|@DIGEST]",
  summary: "Download an image from a registry",
  args: exactly(1),
  flags: [
    bool("all-tags", "a", "Download every tag of the repository"),
    bool("disable-content-trust", "", "Do not check signatures of images", true),
    string("platform", "", "Platform to choose from an image of several"),
    bool("quiet", "q", "Do not show progress"),
  ],
  async run({ context, flags, args: [name] }) {
    const named = reference(name!);
    const all = flags.bool("all-tags");
    if (all && (named.tag !== undefined || named.digest !== undefined))
      throw new Failure("tag can't be used with --all-tags/-a");
    const quiet = flags.bool("quiet");
    const isDefault = !all && named.tag === undefined && named.digest === undefined;
    if (isDefault && !quiet) context.print("Using default tag: latest\n");
    await pull(context, named, { all, platform: flags.string("platform"), target: quiet ? undefined : context.stdout });
    const whole = all || named.digest || named.tag ? named : { ...named, tag: "latest" };
    context.print(`${canonicalString(whole)}\n`);
  },
};

interface PullOptions {
  readonly all?: boolean;
  readonly platform?: string;
  readonly target?: ProgressTarget;
}

/** Pulls what a reference names: its tag or digest, `latest` where it has neither, or every tag. */
export async function pull(context: Context, named: Reference, options: PullOptions): Promise<void> {
  const tag = options.all ? undefined : (named.digest ?? named.tag ?? "latest");
  await pullImage(
    context.client,
    {
      fromImage: canonicalName(named),
      ...(tag !== undefined && { tag }),
      ...(options.platform && { platform: options.platform }),
    },
    options.target,
  );
}

/** A reference as it is shown to users, with `latest` where it has no tag and no digest. */
export function shown(named: Reference): string {
  return familiarString(named.tag === undefined && named.digest === undefined ? { ...named, tag: "latest" } : named);
}
