import { shortId } from "../../base/ids.ts";
import { ago, ellipsis, goTime, humanSize, localRfc3339 } from "./human.ts";
import { joinLabels, type Listing, labelMethod, type Row } from "./listing.ts";

type Labels = Readonly<Record<string, string>> | null;

/** What the API says of a network, as far as the table shows it. */
export interface NetworkSummary {
  readonly Id: string;
  readonly Name: string;
  readonly Created: string;
  readonly Scope: string;
  readonly Driver: string;
  readonly EnableIPv4?: boolean;
  readonly EnableIPv6?: boolean;
  readonly Internal?: boolean;
  readonly Labels?: Labels;
}

/** `network ls`' table. */
export const networkListing: Listing = {
  type: "*network.networkContext",
  table: "{{.ID}}\t{{.Name}}\t{{.Driver}}\t{{.Scope}}",
  quiet: "ID",
  headings: {
    ID: "NETWORK ID",
    Name: "NAME",
    Driver: "DRIVER",
    Scope: "SCOPE",
    IPv4: "IPV4",
    IPv6: "IPV6",
    Internal: "INTERNAL",
    Labels: "LABELS",
    CreatedAt: "CREATED AT",
  },
};

export function networkRow(own: NetworkSummary, truncates: boolean): Row {
  return {
    CreatedAt: goTime(Date.parse(own.Created), fractionOf(own.Created)),
    Driver: own.Driver,
    ID: truncates ? shortId(own.Id) : own.Id,
    IPv4: String(own.EnableIPv4 ?? false),
    IPv6: String(own.EnableIPv6 ?? false),
    Internal: String(own.Internal ?? false),
    Label: labelMethod(own.Labels),
    Labels: joinLabels(own.Labels),
    Name: own.Name,
    Scope: own.Scope,
  };
}

/** The fraction of an RFC 3339 time, with its point and without trailing zeros, as Go prints it. */
function fractionOf(time: string): string {
  return /\.\d*[1-9]/.exec(time)?.[0] ?? "";
}

/** What the API says of a volume. */
export interface VolumeSummary {
  readonly Name: string;
  readonly Driver: string;
  readonly Mountpoint: string;
  readonly Scope: string;
  readonly Labels?: Labels;
  readonly UsageData?: { readonly Size: number; readonly RefCount: number } | null;
}

/** `volume ls`' table. */
export const volumeListing: Listing = {
  type: "*formatter.volumeContext",
  table: "{{.Driver}}\t{{.Name}}",
  quiet: "Name",
  headings: {
    Name: "VOLUME NAME",
    Driver: "DRIVER",
    Scope: "SCOPE",
    Availability: "AVAILABILITY",
    Mountpoint: "MOUNTPOINT",
    Labels: "LABELS",
    Links: "LINKS",
    Size: "SIZE",
    Group: "GROUP",
    Status: "STATUS",
  },
};

export function volumeRow(own: VolumeSummary): Row {
  return {
    Availability: "N/A",
    Driver: own.Driver,
    Group: "N/A",
    Label: labelMethod(own.Labels),
    Labels: joinLabels(own.Labels),
    Links: own.UsageData ? String(own.UsageData.RefCount) : "N/A",
    Mountpoint: own.Mountpoint,
    Name: own.Name,
    Scope: own.Scope,
    Size: own.UsageData ? humanSize(own.UsageData.Size) : "N/A",
    Status: "N/A",
  };
}

/** One step of an image's history. */
export interface HistoryItem {
  readonly Id: string;
  /** Seconds since the epoch. */
  readonly Created: number;
  readonly CreatedBy: string;
  readonly Size: number;
  readonly Comment: string;
}

/** `history`'s table. */
export const historyListing = (human: boolean): Listing => ({
  type: "*formatter.historyContext",
  table: `{{.ID}}\t${human ? "{{.CreatedSince}}" : "{{.CreatedAt}}"}\t{{.CreatedBy}}\t{{.Size}}\t{{.Comment}}`,
  quiet: "ID",
  headings: {
    ID: "IMAGE",
    CreatedSince: "CREATED",
    CreatedAt: "CREATED AT",
    CreatedBy: "CREATED BY",
    Size: "SIZE",
    Comment: "COMMENT",
  },
});

export function historyRow(own: HistoryItem, truncates: boolean, human: boolean, now = Date.now()): Row {
  const by = own.CreatedBy.replaceAll("\t", " ");
  return {
    Comment: own.Comment,
    CreatedAt: own.Created < 0 ? "" : localRfc3339(own.Created * 1000),
    CreatedBy: truncates ? ellipsis(by, 45) : by,
    CreatedSince: own.Created < 0 ? "" : human ? ago(own.Created * 1000, now) : localRfc3339(own.Created * 1000),
    ID: truncates ? shortId(own.Id) : own.Id,
    Size: human ? humanSize(own.Size, 3) : String(own.Size),
  };
}
