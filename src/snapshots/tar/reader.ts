import { corrupt } from "../../base/errors.ts";
import type { ByteString, TimeSpec } from "../../kernel/files.ts";
import { badHeader, blockSize, type EntryType, entryTypes, type Header, isZero, parseHeader } from "./header.ts";
import { natural, overridesOf, type PaxOverrides, parsePax } from "./pax.ts";
import { checkExtents, type Extent, mapOfData, mapOfRecords, oldGnuMap, paxSparse } from "./sparse.ts";

/** Where the archive comes from, read synchronously. */
export interface ByteSource {
  /** The next bytes, at least one and at most `max`, valid until the next call; empty at the end. */
  take(max: number): Buffer;
  /** The next 512 bytes, or fewer where the source ends there; valid until the next call. */
  block(): Buffer;
}

/** One entry of an archive, with what extended headers and long names say already applied. */
export interface Entry {
  /** As the archive has it; not checked in any way. */
  readonly name: ByteString;
  /** Undefined for a type that is none of a file system; `typeFlag` tells which. */
  readonly type: EntryType | undefined;
  readonly typeFlag: string;
  readonly linkName: ByteString;
  /** Permissions, without the type. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly mtime: TimeSpec;
  readonly major: number;
  readonly minor: number;
  readonly xattrs?: ReadonlyMap<ByteString, Buffer>;
  /** The file's size in bytes, holes counted. */
  readonly size: number;
  /** The parts that have data, in order, for a sparse file. */
  readonly extents?: readonly Extent[];
}

/** Extended headers and long names are held in memory, and refused above this many bytes. */
const maxSpecial = 1 << 20;

/**
 * Reads tar archives: v7, ustar, PAX and GNU with long names, base-256 numbers and all sparse forms. It is
 * synchronous: its source waits where it must. Global extended headers are passed over, as Docker does. An archive
 * may lack its two closing blocks; one that ends anywhere else is `corrupt`, with Go's "unexpected EOF".
 */
export class TarReader {
  readonly #source: ByteSource;
  /** Bytes of the current entry that were not read yet, and the padding behind. */
  #left = 0;
  #padding = 0;

  constructor(source: ByteSource) {
    this.#source = source;
  }

  /** The next entry, or undefined at the end. What was not read of the one before is skipped. */
  next(): Entry | undefined {
    this.#finishEntry();
    let pax: PaxOverrides = {};
    let longName: ByteString | undefined;
    let longLink: ByteString | undefined;
    for (;;) {
      const block = this.#headerBlock();
      const header = block && parseHeader(block);
      if (!header) return block && this.#endOfArchive();
      if (header.typeFlag === "x") pax = overridesOf(parsePax(this.#special(header)));
      else if (header.typeFlag === "L") longName = untilNul(this.#special(header));
      else if (header.typeFlag === "K") longLink = untilNul(this.#special(header));
      else if (header.typeFlag === "g") this.#special(header);
      else
        return this.#entry(block, header, { ...pax, path: longName ?? pax.path, linkPath: longLink ?? pax.linkPath });
    }
  }

  /** The next bytes of the entry's data (of a sparse file: of its extents, one after another); empty at its end. */
  read(max = 1 << 20): Buffer {
    if (this.#left === 0) return emptyBuffer;
    const bytes = this.#source.take(Math.min(max, this.#left));
    if (bytes.length === 0) throw unexpectedEnd();
    this.#left -= bytes.length;
    return bytes;
  }

  #entry(block: Buffer, header: Header, pax: PaxOverrides): Entry {
    const name = pax.path ?? header.name;
    let type = entryTypes[header.typeFlag];
    // Before ustar there was no type for folders: a file whose name ends in a slash is one.
    if (type === "file" && name.endsWith("/")) type = "directory";
    const entry = {
      name,
      type,
      typeFlag: header.typeFlag,
      linkName: pax.linkPath ?? header.linkName,
      mode: header.mode,
      uid: pax.uid ?? header.uid,
      gid: pax.gid ?? header.gid,
      mtime: pax.mtime ?? header.mtime,
      major: header.major,
      minor: header.minor,
      xattrs: pax.xattrs,
      size: 0,
    };
    // Only files have data, whatever the size says; what is of no known type is skipped with its data.
    this.#begin(type === "file" || type === undefined ? (pax.size ?? header.size) : 0);
    if (type !== "file") return entry;
    return { ...entry, ...this.#sizes(block, header, pax) };
  }

  /** Size and map of a file; reads the maps that stand in the archive. */
  #sizes(block: Buffer, header: Header, pax: PaxOverrides): Partial<Entry> {
    const next = (): Buffer => this.#wholeBlock();
    if (header.typeFlag === "S") {
      const left = this.#left;
      const { extents, realSize } = oldGnuMap(Buffer.from(block), next);
      checkExtents(extents, realSize, left);
      return { size: realSize, extents };
    }
    const kind = paxSparse(pax);
    if (kind === "none") return { size: this.#left };
    const realSize = natural(pax.sparse?.get("realsize") ?? pax.sparse?.get("size") ?? "");
    const name = pax.sparse?.get("name");
    const named = name === undefined || name === "" ? {} : { name };
    const { extents, bytes } = kind === "data" ? mapOfData(next) : { extents: mapOfRecords(pax), bytes: 0 };
    if (bytes > this.#left) throw badHeader("sparse map");
    this.#left -= bytes;
    checkExtents(extents, realSize, this.#left);
    return { ...named, size: realSize, extents };
  }

  #begin(size: number): void {
    this.#left = size;
    this.#padding = paddingOf(size);
  }

  #finishEntry(): void {
    while (this.#left > 0) this.read();
    // Some writers leave out the padding behind the last entry: the end may come here.
    while (this.#padding > 0) {
      const bytes = this.#source.take(this.#padding);
      if (bytes.length === 0) break;
      this.#padding -= bytes.length;
    }
    this.#padding = 0;
  }

  /** The data of an entry that is about the next one. */
  #special(header: Header): ByteString {
    if (header.size > maxSpecial) throw corrupt("archive/tar: header field too long");
    this.#begin(header.size);
    let bytes = "";
    while (this.#left > 0) bytes += this.read().toString("latin1");
    this.#finishEntry();
    return bytes;
  }

  /** A header block; undefined where the archive ends without closing blocks. */
  #headerBlock(): Buffer | undefined {
    const block = this.#source.block();
    if (block.length === 0) return undefined;
    if (block.length < blockSize) throw unexpectedEnd();
    return block;
  }

  #wholeBlock(): Buffer {
    const block = this.#source.block();
    if (block.length < blockSize) throw unexpectedEnd();
    return block;
  }

  /** After one block of zeros: the end, where another or nothing follows. */
  #endOfArchive(): undefined {
    const block = this.#source.block();
    if (block.length !== 0 && !isZero(block)) throw badHeader("data after the end");
    return undefined;
  }
}

const emptyBuffer = Buffer.alloc(0);
const unexpectedEnd = () => corrupt("unexpected EOF");
const paddingOf = (size: number): number => (blockSize - (size % blockSize)) % blockSize;

function untilNul(bytes: ByteString): ByteString {
  const end = bytes.indexOf("\0");
  return end < 0 ? bytes : bytes.slice(0, end);
}
