import { shortId } from "../../base/ids.ts";
import { ago, goTime, humanSize } from "./human.ts";
import type { Listing, Row } from "./listing.ts";

/** What `GET /images/json` says of an image, as far as the table shows it. */
export interface ImageSummary {
  readonly Id: string;
  readonly RepoTags?: readonly string[] | null;
  readonly RepoDigests?: readonly string[] | null;
  /** Seconds since the epoch. */
  readonly Created: number;
  readonly Size: number;
  readonly SharedSize?: number;
  readonly Containers?: number;
}

const headings = {
  ID: "IMAGE ID",
  Repository: "REPOSITORY",
  Tag: "TAG",
  Digest: "DIGEST",
  CreatedSince: "CREATED",
  CreatedAt: "CREATED AT",
  Size: "SIZE",
  Containers: "CONTAINERS",
  VirtualSize: "SIZE",
  SharedSize: "SHARED SIZE",
  UniqueSize: "UNIQUE SIZE",
};

/** `images`' table. */
export const imageListing = (withDigests: boolean): Listing => ({
  type: "*formatter.imageContext",
  table: `{{.Repository}}\t{{.Tag}}\t${withDigests ? "{{.Digest}}\t" : ""}{{.ID}}\t{{if .CreatedSince }}{{.CreatedSince}}{{else}}N/A{{end}}\t{{.Size}}`,
  quiet: "ID",
  headings,
});

/** A line of the table: an image under one of its names. */
interface Named {
  readonly repository: string;
  readonly tag: string;
  readonly digest: string;
}

const none = "<none>";

/** Where digests are shown: beside a tag, and alone for a repository without a tag. */
export interface DigestOptions {
  readonly beside: boolean;
  readonly alone: boolean;
}

/** The lines of an image: one a tag, or one a tag and digest where digests are shown. */
export function imageRows(own: ImageSummary, truncates: boolean, digests: DigestOptions, now = Date.now()): Row[] {
  return imageNames(own, digests).map((named) => ({
    Containers: counted(own.Containers, String),
    CreatedAt: own.Created >= 0 ? goTime(own.Created * 1000) : "",
    CreatedSince: own.Created >= 0 ? ago(own.Created * 1000, now) : "",
    Digest: named.digest,
    ID: truncates ? shortId(own.Id) : own.Id,
    Repository: named.repository,
    SharedSize: counted(own.SharedSize, humanSize),
    Size: humanSize(own.Size, 3),
    Tag: named.tag,
    UniqueSize: counted(own.SharedSize, (shared) => humanSize(own.Size - shared)),
    VirtualSize: humanSize(own.Size),
  }));
}

function counted(value: number | undefined, text: (n: number) => string): string {
  return value === undefined || value === -1 ? "N/A" : text(value);
}

function imageNames(own: ImageSummary, { beside, alone }: DigestOptions): Named[] {
  const tags = grouped(
    (own.RepoTags ?? []).filter((tag) => tag !== "<none>:<none>"),
    ":",
  );
  const digests = grouped(
    (own.RepoDigests ?? []).filter((digest) => digest !== "<none>@<none>"),
    "@",
  );
  const repositories = [...tags.keys(), ...[...digests.keys()].filter((name) => !tags.has(name))];
  const rows = repositories.flatMap((repository) => {
    const tagged = tags.get(repository);
    if (!tagged && !alone) return [{ repository, tag: none, digest: "" }];
    const own = beside || !tagged ? (digests.get(repository) ?? [none]) : [none];
    return (tagged ?? [none]).flatMap((tag) => own.map((digest) => ({ repository, tag, digest })));
  });
  return rows.length > 0 ? rows : [{ repository: none, tag: none, digest: none }];
}

/** `repo:tag` texts by repository; a port in the registry's name is no tag. */
function grouped(names: readonly string[], mark: string): Map<string, string[]> {
  const groups = new Map<string, string[]>();
  for (const name of names) {
    const at = name.lastIndexOf(mark);
    const repository = name.slice(0, at);
    groups.set(repository, [...(groups.get(repository) ?? []), name.slice(at + 1)]);
  }
  return groups;
}
