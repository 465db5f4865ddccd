import { between, type Command } from "../command.ts";
import { Failure } from "../failure.ts";
import { type Flag, list, string, value } from "../flags.ts";
import { toMap } from "../parse/csv.ts";
import { parseLabel } from "../parse/env.ts";
import { parseBytes } from "../parse/sizes.ts";

/** Flags of a swarm's cluster volumes: known, and refused. */
const cluster: readonly Flag[] = [
  string("availability", "", 'Availability ("active", "pause", "drain"; cluster volumes)', "active"),
  string("group", "", "Group (cluster volumes)"),
  value("limit-bytes", "", "bytes", "Largest size (cluster volumes)", parseBytes, 0),
  value("required-bytes", "", "bytes", "Least size (cluster volumes)", parseBytes, 0),
  { ...string("scope", "", 'Scope of access ("single", "multi"; cluster volumes)', "single") },
  list("secret", "", "Secrets (cluster volumes)", undefined, { type: "map", shown: "map[]" }),
  string("sharing", "", 'Who may share it ("none", "readonly", "onewriter", "all"; cluster volumes)', "none"),
  list("topology-preferred", "", "Preferred topology (cluster volumes)"),
  list("topology-required", "", "Required topology (cluster volumes)"),
  string("type", "", 'Type of access ("mount", "block"; cluster volumes)', "block"),
];

export const command: Command = {
  usage: "[OPTIONS] [VOLUME]",
  summary: "Create a volume",
  args: between(0, 1),
  flags: [
    string("driver", "d", "Driver of the volume", "local"),
    list("label", "", "Set metadata on the volume", parseLabel),
    { ...string("name", "", "Name of the volume"), hidden: true },
    list("opt", "o", "Options of the driver", undefined, { type: "map", shown: "map[]" }),
    ...cluster,
  ],
  async run({ context, flags, args: [given] }) {
    for (const { name } of cluster)
      if (flags.changed(name)) throw new Failure(`keelson: --${name}: cluster volumes are not there yet`);
    if (given !== undefined && flags.changed("name"))
      throw new Failure(
        "conflicting options: cannot specify a volume name through both --name and as a positional arg",
      );
    const { Name } = await context.client.call("POST /volumes/create", {
      body: {
        Name: given ?? flags.string("name"),
        Driver: flags.string("driver"),
        DriverOpts: toMap(flags.list("opt")),
        Labels: toMap(flags.list("label")),
      },
    });
    context.print(`${Name}\n`);
  },
};
