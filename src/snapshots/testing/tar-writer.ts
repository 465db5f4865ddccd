/** A tar writer that writes what it is told, also what no honest tool would: for tests of the reader. */
export interface TarEntry {
  /** Bytes as latin1, or text. */
  readonly name: string;
  /** The type flag; "0" unless given, "5" where the name ends in a slash. */
  readonly type?: string;
  readonly content?: string | Uint8Array;
  readonly linkName?: string;
  readonly mode?: number;
  readonly uid?: number;
  readonly gid?: number;
  readonly mtime?: number;
  readonly major?: number;
  readonly minor?: number;
  /** Records of an extended header that goes before. */
  readonly pax?: Readonly<Record<string, string | Uint8Array>>;
  /** The size that the header claims, where it lies. */
  readonly size?: number;
}

/** An archive of these entries with its closing blocks. */
export function tar(...entries: ReadonlyArray<TarEntry | Buffer>): Buffer {
  return Buffer.concat([...entries.map((e) => (Buffer.isBuffer(e) ? e : tarEntry(e))), Buffer.alloc(1024)]);
}

/** One entry: its extended header, its header and its data. */
export function tarEntry(entry: TarEntry): Buffer {
  const content = Buffer.from(entry.content ?? "");
  const header = Buffer.alloc(512);
  const octal = (value: number, at: number, length: number): void => {
    header.write(value.toString(8).padStart(length - 1, "0"), at, length - 1, "latin1");
  };
  header.write(entry.name, 0, 100, "latin1");
  octal(entry.mode ?? (entry.name.endsWith("/") ? 0o755 : 0o644), 100, 8);
  octal(entry.uid ?? 0, 108, 8);
  octal(entry.gid ?? 0, 116, 8);
  putSize(header, entry.size ?? content.length);
  octal(entry.mtime ?? 1_500_000_000, 136, 12);
  header.write(entry.type ?? (entry.name.endsWith("/") ? "5" : "0"), 156, 1, "latin1");
  header.write(entry.linkName ?? "", 157, 100, "latin1");
  header.write("ustar\0" + "00", 257, 8, "latin1");
  octal(entry.major ?? 0, 329, 8);
  octal(entry.minor ?? 0, 337, 8);
  sign(header);
  const pax = entry.pax ? tarEntry({ name: "pax", type: "x", content: paxRecords(entry.pax) }) : Buffer.alloc(0);
  return Buffer.concat([pax, header, content, Buffer.alloc((512 - (content.length % 512)) % 512)]);
}

/** In octal, or in base 256 where octal has too few digits. */
function putSize(header: Buffer, size: number): void {
  if (size < 8 ** 11) return void header.write(size.toString(8).padStart(11, "0"), 124, 11, "latin1");
  header.writeBigUInt64BE(BigInt(size), 128);
  header[124] = 0x80;
}

/** Writes the checksum into a header block. */
export function sign(header: Buffer): Buffer {
  header.fill(" ", 148, 156);
  const sum = header.subarray(0, 512).reduce((total, byte) => total + byte, 0);
  header.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148, 8, "latin1");
  return header;
}

/** `LENGTH KEY=VALUE\n` for each. */
export function paxRecords(records: Readonly<Record<string, string | Uint8Array>>): Buffer {
  return Buffer.concat(
    Object.entries(records).map(([key, value]) => {
      const rest = Buffer.concat([Buffer.from(` ${key}=`), Buffer.from(value), Buffer.from("\n")]);
      let length = rest.length + 1;
      while (String(length).length + rest.length !== length) length = String(length).length + rest.length;
      return Buffer.concat([Buffer.from(String(length)), rest]);
    }),
  );
}
