import { badHeader, blockSize, parseNumber } from "./header.ts";
import { natural, type PaxOverrides } from "./pax.ts";

/** A part of a sparse file that holds data; the rest are holes. */
export interface Extent {
  readonly offset: number;
  readonly length: number;
}

/** Gives the next block of the archive, which the caller keeps no longer than until the next call. */
export type NextBlock = () => Buffer;

/** Sparse maps are bounded: 1 MiB of them, as other readers have it. */
const maxMapBytes = 1 << 20;

/**
 * The map of a file of type `S` (GNU tar manual, "Old GNU Format"): four extents in the header at 386, and 21 in each
 * extension block as long as the block before says that one follows. The real size is at 483.
 */
export function oldGnuMap(header: Buffer, next: NextBlock): { extents: Extent[]; realSize: number } {
  const extents: Extent[] = [];
  const realSize = parseNumber(header, 483, 12);
  takeExtents(header, 386, 4, extents);
  let more = header[482] !== 0;
  for (let bytes = 0; more; bytes += blockSize) {
    if (bytes >= maxMapBytes) throw badHeader("sparse map too long");
    const block = next();
    takeExtents(block, 0, 21, extents);
    more = block[504] !== 0;
  }
  return { extents, realSize };
}

function takeExtents(block: Buffer, at: number, count: number, into: Extent[]): void {
  for (let i = 0; i < count; i++) {
    const offset = at + i * 24;
    if (block[offset] === 0) return;
    into.push({ offset: parseNumber(block, offset, 12), length: parseNumber(block, offset + 12, 12) });
  }
}

/** How a PAX entry says that it is sparse: `1.0` has its map at the head of the data, older ones in the records. */
export function paxSparse(pax: PaxOverrides): "none" | "records" | "data" {
  const { sparse, sparsePairs } = pax;
  if (!sparse && !sparsePairs) return "none";
  const major = sparse?.get("major");
  if (major === "1" && sparse?.get("minor") === "0") return "data";
  if (major !== undefined && major !== "0") return "none";
  return sparsePairs || sparse?.has("map") ? "records" : "none";
}

/** The map of GNU.sparse 0.0 (repeated keys) and 0.1 (`GNU.sparse.map`). */
export function mapOfRecords(pax: PaxOverrides): Extent[] {
  const map = pax.sparse?.get("map");
  const numbers = map === undefined ? (pax.sparsePairs ?? []) : map === "" ? [] : map.split(",");
  return pairsOf(numbers.map(natural));
}

/** The map of GNU.sparse 1.0: decimal numbers in lines, count first, filled up to a whole block. Returns its bytes too. */
export function mapOfData(next: NextBlock): { extents: Extent[]; bytes: number } {
  let bytes = 0;
  let rest = "";
  const numbers: number[] = [];
  for (;;) {
    const lines = rest.split("\n");
    rest = lines.pop() ?? "";
    numbers.push(...lines.map(natural));
    const count = numbers[0];
    if (count !== undefined && numbers.length > count * 2) {
      return { extents: pairsOf(numbers.slice(1, 1 + count * 2)), bytes };
    }
    if (bytes >= maxMapBytes) throw badHeader("sparse map too long");
    // The padding is zeros, which no number has.
    rest += next().toString("latin1").replace(/\0.*$/s, "");
    bytes += blockSize;
  }
}

function pairsOf(numbers: readonly number[]): Extent[] {
  if (numbers.length % 2 !== 0) throw badHeader("sparse map");
  const extents: Extent[] = [];
  for (let i = 0; i < numbers.length; i += 2) extents.push({ offset: numbers[i]!, length: numbers[i + 1]! });
  return extents;
}

/** Refuses a map that is out of order, overlaps, leaves the file, or does not match the data's size. */
export function checkExtents(extents: readonly Extent[], realSize: number, dataSize: number): void {
  let end = 0;
  let data = 0;
  for (const { offset, length } of extents) {
    if (offset < end || length < 0 || offset + length > realSize) throw badHeader("sparse map");
    end = offset + length;
    data += length;
  }
  if (realSize < 0 || data !== dataSize) throw badHeader("sparse map");
}
