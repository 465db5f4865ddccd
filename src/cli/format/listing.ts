import { messageOf } from "../../base/errors.ts";
import { Failure } from "../failure.ts";
import { Template } from "../template/template.ts";
import { Struct } from "../template/values.ts";
import { alignTabs } from "./tabs.ts";

/** How one kind of object is listed. */
export interface Listing {
  /** As Go names it in messages: `*formatter.ContainerContext`. */
  readonly type: string;
  /** The table's template without `--format`. */
  readonly table: string;
  /** The field that `--quiet` prints. */
  readonly quiet: string;
  /** Each field's heading. */
  readonly headings: Readonly<Record<string, string>>;
  /** `--quiet` wins over a template too. */
  readonly quietWins?: boolean;
  /** What is said before a template's faults. */
  readonly faults?: { readonly parse: string; readonly run: string };
}

/** One object's fields by the names that templates use. Functions are methods. */
export type Row = Readonly<Record<string, unknown>>;

export interface ListOptions {
  readonly format: string;
  readonly quiet?: boolean;
}

/** The text of a list: a table, one template per object, or one JSON object a line. Throws {@link Failure}. */
export function renderList(listing: Listing, rows: readonly Row[], options: ListOptions): string {
  const { isTable, source } = chooseFormat(listing, options);
  const faults = listing.faults ?? { parse: "template parsing error", run: "template parsing error" };
  const template = parseFormat(source, faults.parse);
  const structs = rows.map((row) => new Struct(listing.type, row, true));
  const body = structs.map((struct) => `${execute(() => template.run(struct), faults.run)}\n`).join("");
  if (!isTable) return body;
  const heading = execute(() => template.heading(headingStruct(listing)), faults.run);
  return alignTabs(`${heading}\n${body}`, { minWidth: 10, padding: 3 });
}

/** The template that a `--format` stands for, and whether it makes a table. */
export function chooseFormat(listing: Listing, { format, quiet }: ListOptions): { isTable: boolean; source: string } {
  const isTable = format === "" || /^table(?![^\s{])/.test(format);
  if (quiet && (listing.quietWins || format === "" || format === "table"))
    return { isTable: false, source: `{{.${listing.quiet}}}` };
  const rest = isTable ? format.slice("table".length) : format === "json" ? "{{json .}}" : format;
  const source = rest.trim() === "" && isTable ? listing.table : rest.replace(/^ +| +$/g, "");
  return { isTable, source: source.replaceAll("\\t", "\t").replaceAll("\\n", "\n") };
}

/** Parses a `--format` template; throws {@link Failure} in Docker's words. */
export function parseFormat(source: string, fault: string): Template {
  try {
    return new Template(source);
  } catch (error) {
    throw new Failure(`${fault}: ${messageOf(error)}`);
  }
}

function execute(run: () => string, fault: string): string {
  try {
    return run();
  } catch (error) {
    throw new Failure(`${fault}: ${messageOf(error)}`);
  }
}

function headingStruct(listing: Listing): Struct {
  return new Struct(listing.type, { ...listing.headings, Label: labelHeading });
}

/** The heading of `{{.Label "com.example.some-name"}}`: the name's last part, with spaces. */
function labelHeading(name: string): string {
  return String(name).split(".").at(-1)!.replace(/[-_]/g, " ");
}

/** Labels as `a=b,c=d`, sorted. */
export function joinLabels(labels: Readonly<Record<string, string>> | null | undefined): string {
  return Object.keys(labels ?? {})
    .sort()
    .map((key) => `${key}=${labels![key]}`)
    .join(",");
}

/** A method that gives one label's value. */
export function labelMethod(labels: Readonly<Record<string, string>> | null | undefined): (name: string) => string {
  return (name) => labels?.[name] ?? "";
}
