import { invalid } from "../../base/errors.ts";

/**
 * Splits a line into words at blanks, as the Dockerfile parser does for ENV and LABEL: quotes and backslashes keep
 * blanks inside a word, and stay in it for {@link expandWord}.
 */
export function splitWords(line: string): string[] {
  const words: string[] = [];
  let word = "";
  let quote = "";
  for (let i = 0; i < line.length; i++) {
    const char = line[i]!;
    if (quote === "" && /\s/.test(char)) {
      if (word !== "") words.push(word);
      word = "";
      continue;
    }
    word += char;
    if (char === "\\" && quote !== "'" && i + 1 < line.length) word += line[++i];
    else if (quote === "" && (char === '"' || char === "'")) quote = char;
    else if (char === quote) quote = "";
  }
  return word === "" ? words : [...words, word];
}

/**
 * Takes quotes and backslashes away and puts variables in, as the Dockerfile reference's "Environment replacement"
 * says. Throws `invalid` in Docker's words.
 */
export function expandWord(word: string, env: ReadonlyMap<string, string>): string {
  const scanner = new Scanner(word, env);
  try {
    return scanner.until(() => false);
  } catch (error) {
    throw invalid(`failed to process ${JSON.stringify(word)}: ${(error as Error).message}`);
  }
}

class Scanner {
  readonly #text: string;
  readonly #env: ReadonlyMap<string, string>;
  #at = 0;

  constructor(text: string, env: ReadonlyMap<string, string>) {
    this.#text = text;
    this.#env = env;
  }

  /** Expands up to a character for which `stop` is true, or to the end. */
  until(stop: (char: string) => boolean): string {
    let out = "";
    while (this.#at < this.#text.length && !stop(this.#text[this.#at]!)) {
      const char = this.#text[this.#at++]!;
      if (char === "'") out += this.#single();
      else if (char === '"') out += this.#double();
      else if (char === "$") out += this.#variable();
      else if (char === "\\") out += this.#text[this.#at++] ?? "";
      else out += char;
    }
    return out;
  }

  #single(): string {
    const end = this.#text.indexOf("'", this.#at);
    if (end === -1) throw invalid("unexpected end of statement while looking for matching single-quote");
    const inside = this.#text.slice(this.#at, end);
    this.#at = end + 1;
    return inside;
  }

  #double(): string {
    let out = "";
    while (this.#at < this.#text.length) {
      const char = this.#text[this.#at++]!;
      if (char === '"') return out;
      if (char === "$") out += this.#variable();
      else if (char === "\\" && /["$\\]/.test(this.#text[this.#at] ?? "")) out += this.#text[this.#at++];
      else out += char;
    }
    throw invalid("unexpected end of statement while looking for matching double-quote");
  }

  #variable(): string {
    if (this.#text[this.#at] === "{") return this.#braced();
    const name = this.#name();
    return name === "" ? "$" : (this.#env.get(name) ?? "");
  }

  /** `${name}`, `${name:-default}`, `${name:+other}`, `${name:?message}`, and the same without the colon. */
  #braced(): string {
    this.#at++;
    const name = this.#name();
    if (name === "") throw invalid("syntax error: bad substitution");
    const value = this.#env.get(name);
    const colon = this.#text[this.#at] === ":";
    if (colon) this.#at++;
    const operator = this.#text[this.#at] ?? "";
    if (operator === "") throw invalid("syntax error: missing '}'");
    this.#at++;
    if (operator === "}" && !colon) return value ?? "";
    if (!/[-+?]/.test(operator)) throw invalid(`unsupported modifier (${colon ? ":" : ""}${operator}) in substitution`);
    const other = this.until((char) => char === "}");
    if (this.#text[this.#at++] !== "}") throw invalid("syntax error: missing '}'");
    const isSet = colon ? (value ?? "") !== "" : value !== undefined;
    if (operator === "+") return isSet ? other : "";
    if (isSet) return value!;
    if (operator === "-") return other;
    throw invalid(`${name}: ${other || "not allowed to be unset"}`);
  }

  #name(): string {
    const [name = ""] = /^(?:[A-Za-z_][A-Za-z0-9_]*|[0-9]+|[@*#])/.exec(this.#text.slice(this.#at)) ?? [];
    this.#at += name.length;
    return name;
  }
}
