/** A word of a template's action. `at` is its offset in the whole source. */
export interface Token {
  readonly kind: "dot" | "field" | "variable" | "word" | "constant" | "(" | ")" | "|" | ":=" | "=" | ",";
  /** Without the dot of a field. */
  readonly text: string;
  readonly source: string;
  readonly at: number;
  /** There is space before it. */
  readonly spaced: boolean;
  readonly value?: string | number;
}

type Fail = (at: number, message: string) => Error;

const patterns: ReadonlyArray<readonly [Token["kind"], RegExp]> = [
  ["field", /\.([\p{L}_][\p{L}\p{Nd}_]*)/uy],
  ["dot", /\./y],
  ["variable", /\$[\p{L}\p{Nd}_]*/uy],
  ["word", /[\p{L}_][\p{L}\p{Nd}_]*/uy],
  [":=", /:=/y],
  ["=", /=/y],
  [",", /,/y],
  ["|", /\|/y],
  ["(", /\(/y],
  [")", /\)/y],
];

const number = /[+-]?(?:0[xX][0-9a-fA-F_]+|0[bB][01_]+|0[oO][0-7_]+|(?:\d[\d_]*)?\.?\d+(?:[eE][+-]?\d+)?)/y;

/** The words of one action from `from` up to its `}}`; where the text goes on, and whether it is trimmed there. */
export function tokenize(source: string, from: number, fail: Fail): { tokens: Token[]; end: number; trims: boolean } {
  const tokens: Token[] = [];
  for (let at = from; ; ) {
    const gap = /^\s*/.exec(source.slice(at))![0].length;
    const spaced = gap > 0 || at === from;
    if (gap > 0 && source.startsWith("-}}", at + gap)) return { tokens, end: at + gap + 3, trims: true };
    at += gap;
    if (source.startsWith("}}", at)) return { tokens, end: at + 2, trims: false };
    if (at >= source.length) throw fail(from, "unclosed action");
    const token = read(source, at, spaced, tokens.length === 0, fail);
    tokens.push(token);
    at += token.source.length;
  }
}

function read(source: string, at: number, spaced: boolean, isFirst: boolean, fail: Fail): Token {
  const first = source[at]!;
  if (first === '"' || first === "`" || first === "'") return readQuoted(source, at, spaced, fail);
  number.lastIndex = at;
  const digits = number.exec(source)?.[0];
  if (digits !== undefined)
    return { kind: "constant", text: digits, source: digits, at, spaced, value: Number(digits.replaceAll("_", "")) };
  for (const [kind, pattern] of patterns) {
    pattern.lastIndex = at;
    const match = pattern.exec(source);
    if (match) return { kind, text: match[1] ?? match[0], source: match[0], at, spaced };
  }
  throw fail(at, `unexpected ${JSON.stringify(first)} in ${isFirst ? "command" : "operand"}`);
}

function readQuoted(source: string, at: number, spaced: boolean, fail: Fail): Token {
  const mark = source[at]!;
  let end = at + 1;
  while (end < source.length && source[end] !== mark) {
    if (source[end] === "\n" && mark !== "`") break;
    end += source[end] === "\\" && mark !== "`" ? 2 : 1;
  }
  if (source[end] !== mark)
    throw fail(
      at,
      {
        '"': "unterminated quoted string",
        "`": "unterminated raw quoted string",
        "'": "unterminated character constant",
      }[mark]!,
    );
  const whole = source.slice(at, end + 1);
  const inner = whole.slice(1, -1);
  const text = mark === "`" ? inner : unescaped(inner);
  const value = mark === "'" ? text.codePointAt(0)! : text;
  return { kind: "constant", text, source: whole, at, spaced, value };
}

const escapes: Readonly<Record<string, string>> = { a: "\x07", b: "\b", f: "\f", n: "\n", r: "\r", t: "\t", v: "\v" };

function unescaped(text: string): string {
  return text.replace(
    /\\(?:x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|([0-7]{3})|(.))/g,
    (_, hex?: string, u4?: string, u8?: string, octal?: string, char = "") => {
      const code = hex ?? u4 ?? u8;
      if (code !== undefined) return String.fromCodePoint(Number.parseInt(code, 16));
      if (octal !== undefined) return String.fromCharCode(Number.parseInt(octal, 8));
      return escapes[char] ?? char;
    },
  );
}
