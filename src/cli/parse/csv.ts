/** The fields of one line of comma-separated values, as Go's encoding/csv reads it. */
export function parseCsv(text: string): string[] {
  if (text === "") throw new Error("EOF");
  const fields: string[] = [];
  let rest = text;
  for (;;) {
    if (rest.startsWith('"')) {
      const quoted = /^"((?:[^"]|"")*)"(,|$)/.exec(rest);
      if (!quoted)
        throw new Error(
          `parse error on line 1, column ${text.length - rest.length + 1}: extraneous or missing " in quoted-field`,
        );
      fields.push(quoted[1]!.replaceAll('""', '"'));
      rest = rest.slice(quoted[0].length);
      if (quoted[2] === "") return fields;
    } else {
      const comma = rest.indexOf(",");
      const field = comma === -1 ? rest : rest.slice(0, comma);
      if (field.includes('"'))
        throw new Error(
          `parse error on line 1, column ${text.length - rest.length + field.indexOf('"') + 1}: bare " in non-quoted-field`,
        );
      fields.push(field);
      if (comma === -1) return fields;
      rest = rest.slice(comma + 1);
    }
  }
}

/** `key=value` at its first equals sign; the value is undefined where there is none. */
export function cut(text: string, mark = "="): [key: string, value: string | undefined] {
  const at = text.indexOf(mark);
  return at === -1 ? [text, undefined] : [text.slice(0, at), text.slice(at + mark.length)];
}

/** `key=value` texts as a map; a key without a value gets an empty one. */
export function toMap(pairs: readonly string[]): Record<string, string> {
  return Object.fromEntries(pairs.map((pair) => [cut(pair)[0], cut(pair)[1] ?? ""]));
}
