import { corrupt } from "../../base/errors.ts";
import type { ByteString, TimeSpec } from "../../kernel/files.ts";

/** The unit of a tar archive. */
export const blockSize = 512;

/** What stands at which place of a header block, offset and length (POSIX.1-2017 pax, "ustar Interchange Format"). */
export const fields = {
  name: [0, 100],
  mode: [100, 8],
  uid: [108, 8],
  gid: [116, 8],
  size: [124, 12],
  mtime: [136, 12],
  checksum: [148, 8],
  typeFlag: [156, 1],
  linkName: [157, 100],
  magic: [257, 8],
  userName: [265, 32],
  groupName: [297, 32],
  major: [329, 8],
  minor: [337, 8],
  prefix: [345, 155],
} as const satisfies Record<string, readonly [offset: number, length: number]>;

/** What an entry is (`typeFlag` of POSIX.1-2017 pax, and GNU's). */
export type EntryType = "file" | "link" | "symlink" | "char" | "block" | "directory" | "fifo";

/** The type flags that are entries of their own. `\0` is a file of the time before ustar, `7` a contiguous one. */
export const entryTypes: Readonly<Record<string, EntryType>> = {
  "\0": "file",
  "0": "file",
  "1": "link",
  "2": "symlink",
  "3": "char",
  "4": "block",
  "5": "directory",
  "6": "fifo",
  "7": "file",
  S: "file",
};

/** One header block, decoded. Strings have one character for each byte. */
export interface Header {
  readonly name: ByteString;
  readonly linkName: ByteString;
  readonly typeFlag: string;
  /** Permissions, without the type. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** Bytes of data that follow. */
  readonly size: number;
  readonly mtime: TimeSpec;
  readonly major: number;
  readonly minor: number;
  readonly format: "v7" | "ustar" | "gnu";
}

/** Docker's words (Go's archive/tar) for a block that is no header. */
export const badHeader = (detail: string) => corrupt(`archive/tar: invalid tar header (${detail})`);

/** The header in the block, or undefined for a block of zeros, which ends the archive. `corrupt` for anything else. */
export function parseHeader(block: Buffer): Header | undefined {
  const sum = checksumOf(block);
  if (sum.unsigned === 8 * 32 && isZero(block)) return undefined;
  const stored = parseNumber(block, ...fields.checksum);
  if (stored !== sum.unsigned && stored !== sum.signed) throw badHeader("checksum");
  const format = formatOf(block);
  const size = parseNumber(block, ...fields.size);
  if (size < 0) throw badHeader("negative size");
  return {
    name: fullName(block, format),
    linkName: text(block, ...fields.linkName),
    typeFlag: String.fromCharCode(block[fields.typeFlag[0]]!),
    mode: parseNumber(block, ...fields.mode) & 0o7777,
    uid: parseNumber(block, ...fields.uid),
    gid: parseNumber(block, ...fields.gid),
    size,
    mtime: { seconds: parseNumber(block, ...fields.mtime), nanoseconds: 0 },
    major: format === "v7" ? 0 : parseNumber(block, ...fields.major),
    minor: format === "v7" ? 0 : parseNumber(block, ...fields.minor),
    format,
  };
}

export function isZero(block: Buffer): boolean {
  for (let i = 0; i < block.length; i++) if (block[i] !== 0) return false;
  return true;
}

/** The sum of all bytes, its own field counted as blanks; some old writers summed signed bytes. */
function checksumOf(block: Buffer): { unsigned: number; signed: number } {
  let unsigned = 0;
  let high = 0;
  for (let i = 0; i < blockSize; i++) {
    const byte = block[i]!;
    unsigned += byte;
    if (byte > 127) high++;
  }
  const [at, length] = fields.checksum;
  for (let i = at; i < at + length; i++) {
    const byte = block[i]!;
    unsigned += 32 - byte;
    if (byte > 127) high--;
  }
  return { unsigned, signed: unsigned - 256 * high };
}

function formatOf(block: Buffer): Header["format"] {
  const magic = block.toString("latin1", fields.magic[0], fields.magic[0] + 8);
  return magic.startsWith("ustar\0") ? "ustar" : magic === "ustar  \0" ? "gnu" : "v7";
}

function fullName(block: Buffer, format: Header["format"]): ByteString {
  const name = text(block, ...fields.name);
  if (format !== "ustar") return name;
  const [at, length] = fields.prefix;
  // star keeps times at the end of the prefix, and says so in the block's last four bytes.
  const prefix = text(block, at, block.toString("latin1", 508, 512) === "tar\0" ? 131 : length);
  return prefix === "" ? name : `${prefix}/${name}`;
}

/** The bytes up to the first NUL. */
export function text(block: Buffer, offset: number, length: number): ByteString {
  let end = offset;
  while (end < offset + length && block[end] !== 0) end++;
  return block.toString("latin1", offset, end);
}

/** A number in octal, or in two's complement with base 256 where the first bit is set (GNU). */
export function parseNumber(block: Buffer, offset: number, length: number): number {
  const first = block[offset]!;
  return (first & 0x80) === 0 ? parseOctal(block, offset, length) : parseBase256(block, offset, length);
}

function parseOctal(block: Buffer, offset: number, length: number): number {
  let at = offset;
  let end = offset + length;
  const blank = (byte: number | undefined): boolean => byte === 32 || byte === 0;
  while (at < end && blank(block[at])) at++;
  while (end > at && blank(block[end - 1])) end--;
  let value = 0;
  for (; at < end; at++) {
    const digit = block[at]! - 48;
    // What follows a NUL inside of the field is of no account.
    if (digit === -48) break;
    if (digit < 0 || digit > 7) throw badHeader("number");
    value = value * 8 + digit;
  }
  return value;
}

function parseBase256(block: Buffer, offset: number, length: number): number {
  const negative = (block[offset]! & 0x40) !== 0;
  let value = negative ? -64 + (block[offset]! & 0x3f) : block[offset]! & 0x3f;
  for (let i = offset + 1; i < offset + length; i++) value = value * 256 + block[i]!;
  if (!Number.isSafeInteger(value)) throw badHeader("number too large");
  return value;
}
