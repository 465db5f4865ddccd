import { shortId } from "../../base/ids.ts";
import { quote } from "../template/quote.ts";
import { ago, ellipsis, goTime, humanSize } from "./human.ts";
import { joinLabels, type Listing, labelMethod, type Row } from "./listing.ts";
import { type Port, portsColumn } from "./ports.ts";

/** What `GET /containers/json` says of a container, as far as the table shows it. */
export interface ContainerSummary {
  readonly Id: string;
  readonly Names?: readonly string[] | null;
  readonly Image: string;
  readonly ImageID: string;
  readonly Command: string;
  /** Seconds since the epoch. */
  readonly Created: number;
  readonly Ports?: readonly Port[] | null;
  readonly SizeRw?: number;
  readonly SizeRootFs?: number;
  readonly Labels?: Readonly<Record<string, string>> | null;
  readonly State: string;
  readonly Status: string;
  readonly NetworkSettings?: { readonly Networks?: Readonly<Record<string, unknown>> | null } | null;
  readonly Mounts?: ReadonlyArray<{
    readonly Name?: string;
    readonly Source?: string;
    readonly Driver?: string;
  }> | null;
}

/** `ps`'s table. */
export const containerListing = (withSize: boolean): Listing => ({
  type: "*formatter.ContainerContext",
  table: `{{.ID}}\t{{.Image}}\t{{.Command}}\t{{.RunningFor}}\t{{.Status}}\t{{.Ports}}\t{{.Names}}${withSize ? "\t{{.Size}}" : ""}`,
  quiet: "ID",
  quietWins: true,
  faults: { parse: "failed to parse template", run: "failed to execute template" },
  headings: {
    ID: "CONTAINER ID",
    Names: "NAMES",
    Image: "IMAGE",
    Command: "COMMAND",
    CreatedAt: "CREATED AT",
    RunningFor: "CREATED",
    Ports: "PORTS",
    State: "STATE",
    Status: "STATUS",
    Size: "SIZE",
    Labels: "LABELS",
    Mounts: "MOUNTS",
    LocalVolumes: "LOCAL VOLUMES",
    Networks: "NETWORKS",
    Platform: "PLATFORM",
  },
});

/** One container's fields. Keys stand in alphabetical order, the order of Docker's JSON. */
export function containerRow(own: ContainerSummary, truncates: boolean, now = Date.now()): Row {
  const mounts = own.Mounts ?? [];
  return {
    Command: quote(truncates ? ellipsis(own.Command, 20) : own.Command),
    CreatedAt: goTime(own.Created * 1000),
    ID: truncates ? shortId(own.Id) : own.Id,
    Image: imageColumn(own, truncates),
    Label: labelMethod(own.Labels),
    Labels: joinLabels(own.Labels),
    LocalVolumes: String(mounts.filter((mount) => mount.Driver === "local").length),
    Mounts: mounts.map((mount) => mountName(mount.Name || mount.Source || "", truncates)).join(","),
    Names: names(own.Names ?? [], truncates),
    Networks: Object.keys(own.NetworkSettings?.Networks ?? {})
      .sort()
      .join(","),
    Platform: null,
    Ports: portsColumn(own.Ports ?? []),
    RunningFor: ago(own.Created * 1000, now),
    Size: sizeColumn(own),
    State: own.State,
    Status: own.Status,
  };
}

function mountName(name: string, truncates: boolean): string {
  return truncates ? ellipsis(name, 15) : name;
}

function sizeColumn({ SizeRw = 0, SizeRootFs = 0 }: ContainerSummary): string {
  const own = humanSize(SizeRw, 3);
  return SizeRootFs > 0 ? `${own} (virtual ${humanSize(SizeRootFs, 3)})` : own;
}

/** The image as the user named it; its short ID where the name is gone, and no digest beside a tag. */
function imageColumn(own: ContainerSummary, truncates: boolean): string {
  if (own.Image === "") return "<no image>";
  if (!truncates) return own.Image;
  if (shortId(own.Image) === shortId(own.ImageID)) return shortId(own.ImageID);
  const [name, digest] = own.Image.split("@");
  return digest !== undefined && /:[^/]+$/.test(name!) ? name! : own.Image;
}

/** Names without their slash; of a linked container only the one that is its own. */
function names(all: readonly string[], truncates: boolean): string {
  const bare = all.map((name) => name.replace(/^\//, ""));
  const own = bare.find((name) => !name.includes("/"));
  return truncates && own !== undefined ? own : bare.join(",");
}
