import type { ByteString, TimeSpec } from "../../kernel/files.ts";
import { badHeader } from "./header.ts";

/** The key of an extended attribute begins so (star's, GNU tar's and Go's way). */
const xattrPrefix = "SCHILY.xattr.";

/** The records of an extended header, in order, as byte strings (POSIX.1-2017 pax, "pax Extended Header"). */
export type PaxRecords = ReadonlyArray<readonly [key: ByteString, value: ByteString]>;

/** Parses `LENGTH KEY=VALUE\n` records. `corrupt` where the bytes are none. */
export function parsePax(bytes: ByteString): PaxRecords {
  const records: Array<readonly [string, string]> = [];
  for (let at = 0; at < bytes.length; ) {
    const blank = bytes.indexOf(" ", at);
    const digits = blank < 0 ? "" : bytes.slice(at, blank);
    const end = at + Number(digits);
    if (!/^\d{1,9}$/.test(digits) || end > bytes.length || end <= blank + 1 || bytes[end - 1] !== "\n") {
      throw badHeader("extended header");
    }
    const record = bytes.slice(blank + 1, end - 1);
    const equals = record.indexOf("=");
    if (equals < 1) throw badHeader("extended header");
    records.push([record.slice(0, equals), record.slice(equals + 1)]);
    at = end;
  }
  return records;
}

/** What the records of one entry say; undefined where they say nothing of it. */
export interface PaxOverrides {
  path?: ByteString;
  linkPath?: ByteString;
  size?: number;
  uid?: number;
  gid?: number;
  mtime?: TimeSpec;
  xattrs?: Map<ByteString, Buffer>;
  /** `GNU.sparse.*` without that prefix. */
  sparse?: Map<string, string>;
  /** Of GNU.sparse 0.0, where keys repeat: offset, length, offset, length, … */
  sparsePairs?: string[];
}

/** Sorts the records by what they mean. An empty value takes an earlier one back. */
export function overridesOf(records: PaxRecords): PaxOverrides {
  const out: PaxOverrides = {};
  for (const [key, value] of records) {
    if (key.startsWith(xattrPrefix)) {
      out.xattrs ??= new Map();
      out.xattrs.set(key.slice(xattrPrefix.length), Buffer.from(value, "latin1"));
    } else if (key.startsWith("GNU.sparse.")) {
      takeSparse(out, key.slice("GNU.sparse.".length), value);
    } else {
      takeField(out, key, value);
    }
  }
  return out;
}

function takeField(out: PaxOverrides, key: string, value: ByteString): void {
  const set = value !== "";
  if (key === "path") out.path = set ? withoutNul(value) : undefined;
  else if (key === "linkpath") out.linkPath = set ? withoutNul(value) : undefined;
  else if (key === "size") out.size = set ? natural(value) : undefined;
  else if (key === "uid") out.uid = set ? natural(value) : undefined;
  else if (key === "gid") out.gid = set ? natural(value) : undefined;
  else if (key === "mtime") out.mtime = set ? paxTime(value) : undefined;
}

function takeSparse(out: PaxOverrides, key: string, value: string): void {
  if (key === "offset" || key === "numbytes") {
    out.sparsePairs ??= [];
    if (out.sparsePairs.length % 2 !== (key === "offset" ? 0 : 1)) throw badHeader("sparse map");
    out.sparsePairs.push(value);
    return;
  }
  out.sparse ??= new Map();
  out.sparse.set(key, value);
}

function withoutNul(value: ByteString): ByteString {
  if (value.includes("\0")) throw badHeader("NUL in a name");
  return value;
}

/** A number of decimal digits. */
export function natural(value: string): number {
  const number = Number(value);
  if (!/^\d{1,16}$/.test(value) || !Number.isSafeInteger(number)) throw badHeader("number");
  return number;
}

/** Seconds, with a fraction that may be longer than nanoseconds and is then cut. */
export function paxTime(value: string): TimeSpec {
  const match = /^(-?)(\d{1,15})(?:\.(\d*))?$/.exec(value);
  if (!match) throw badHeader("time");
  const whole = Number(match[2]);
  const fraction = Number((match[3] ?? "").padEnd(9, "0").slice(0, 9));
  if (match[1] !== "-") return { seconds: whole, nanoseconds: fraction };
  return fraction === 0 ? { seconds: -whole, nanoseconds: 0 } : { seconds: -whole - 1, nanoseconds: 1e9 - fraction };
}
