import { type Token, tokenize } from "./tokens.ts";

/*
 * The language of Go's text/template (its package documentation, "Actions", "Pipelines", "Variables"), without
 * `define`, `block` and `template`, which no format string of a command line uses.
 */

export type Node = Text | Action | Branch | Jump;
export interface Text {
  readonly kind: "text";
  readonly text: string;
}
export interface Action {
  readonly kind: "action";
  readonly pipe: Pipe;
}
export interface Branch {
  readonly kind: "if" | "with" | "range";
  readonly pipe: Pipe;
  readonly body: Node[];
  readonly otherwise: Node[];
}
export interface Jump {
  readonly kind: "jump";
  readonly to: "break" | "continue";
}
/** Commands joined by `|`, the last one's value perhaps put into variables. */
export interface Pipe {
  readonly kind: "pipe";
  readonly at: number;
  readonly source: string;
  readonly names: readonly string[];
  /** `:=` makes variables, `=` sets them. */
  readonly declares: boolean;
  readonly commands: readonly Call[];
}
export interface Call {
  readonly at: number;
  readonly source: string;
  readonly words: readonly Operand[];
}
export type Operand = { readonly at: number; readonly source: string } & (
  | { readonly kind: "dot" | "nil" }
  | { readonly kind: "field"; readonly path: readonly string[] }
  | { readonly kind: "variable"; readonly name: string; readonly path: readonly string[] }
  | { readonly kind: "chain"; readonly of: Operand; readonly path: readonly string[] }
  | { readonly kind: "constant"; readonly value: string | number | boolean }
  | { readonly kind: "function"; readonly name: string }
  | { readonly kind: "group"; readonly pipe: Pipe }
);

/** What is wrong with a template, in Go's words: `template: :1: unclosed action`. */
export class TemplateSyntaxError extends Error {}

interface Part {
  readonly text?: string;
  readonly tokens?: Token[];
  readonly at: number;
}

/** Parses a template. `isFunction` says which names are functions. Throws {@link TemplateSyntaxError}. */
export function parseTemplate(source: string, isFunction: (name: string) => boolean, name = ""): Node[] {
  try {
    return parseNodes(source, isFunction);
  } catch (error) {
    if (!(error instanceof SyntaxFault)) throw error;
    throw new TemplateSyntaxError(`template: ${name}:${error.message}`);
  }
}

/** A line and what is wrong there. */
class SyntaxFault extends Error {}

function parseNodes(source: string, isFunction: (name: string) => boolean): Node[] {
  const parser = new Parser(source, split(source), isFunction);
  const { nodes, end } = parser.list([]);
  if (end !== undefined) throw syntaxError(source, parser.lastAt, `unexpected {{${end}}}`);
  return nodes;
}

/** Cuts the source into texts and actions; `{{-` and `-}}` trim the texts beside them. */
function split(source: string): Part[] {
  const parts: Part[] = [];
  let at = 0;
  let trimNext = false;
  while (at < source.length) {
    const open = source.indexOf("{{", at);
    const raw = source.slice(at, open === -1 ? undefined : open);
    const trimsBefore = open !== -1 && /^-\s/.test(source.slice(open + 2, open + 4));
    let text = trimNext ? raw.trimStart() : raw;
    if (trimsBefore) text = text.trimEnd();
    if (text !== "") parts.push({ text, at });
    if (open === -1) break;
    const from = open + 2 + (trimsBefore ? 2 : 0);
    const comment = /^\s*\/\*[\s\S]*?\*\/(\s-)?\}\}/.exec(source.slice(from));
    if (comment) {
      trimNext = comment[1] !== undefined;
      at = from + comment[0].length;
      continue;
    }
    const { tokens, end, trims } = tokenize(source, from, (where, message) => syntaxError(source, where, message));
    parts.push({ tokens, at: from });
    trimNext = trims;
    at = end;
  }
  return parts;
}

class Parser {
  readonly #source: string;
  readonly #parts: Part[];
  readonly #isFunction: (name: string) => boolean;
  #next = 0;
  #tokens: Token[] = [];
  #token = 0;
  #variables: string[] = ["$"];
  #loops = 0;
  lastAt = 0;

  constructor(source: string, parts: Part[], isFunction: (name: string) => boolean) {
    this.#source = source;
    this.#parts = parts;
    this.#isFunction = isFunction;
  }

  /** Nodes up to one of the closing words, or up to the end of the template where there are none. */
  list(closers: readonly string[]): { nodes: Node[]; end?: string } {
    const nodes: Node[] = [];
    while (this.#next < this.#parts.length) {
      const part = this.#parts[this.#next++]!;
      this.lastAt = part.at;
      if (part.text !== undefined) {
        nodes.push({ kind: "text", text: part.text });
        continue;
      }
      this.#tokens = part.tokens!;
      this.#token = 0;
      const word = this.#peek()?.kind === "word" ? this.#peek()!.text : "";
      if (word === "end" || word === "else") {
        this.#token++;
        if (word === "end") this.#finish("end");
        return { nodes, end: word };
      }
      nodes.push(this.#action(word));
    }
    if (closers.length > 0) throw this.#error("unexpected EOF");
    return { nodes };
  }

  #action(word: string): Node {
    if (word === "if" || word === "with" || word === "range") {
      this.#token++;
      return this.#branch(word);
    }
    if (word === "break" || word === "continue") {
      this.#token++;
      if (this.#loops === 0) throw this.#error(`{{${word}}} outside {{range}}`);
      this.#finish(word);
      return { kind: "jump", to: word };
    }
    if (word === "define" || word === "template" || word === "block") throw this.#error(`{{${word}}} is not there yet`);
    const pipe = this.#pipe("command", false);
    this.#finish("command");
    return { kind: "action", pipe };
  }

  #branch(kind: Branch["kind"]): Branch {
    const depth = this.#variables.length;
    const pipe = this.#pipe(kind, kind === "range");
    this.#finish(kind);
    if (kind === "range") this.#loops++;
    const { nodes: body, end } = this.list(["end", "else"]);
    if (kind === "range") this.#loops--;
    let otherwise: Node[] = [];
    if (end === "else") {
      const chained = this.#peek();
      if (chained?.kind === "word" && chained.text === kind && kind !== "range") {
        this.#token++;
        otherwise = [this.#branch(kind)];
      } else {
        this.#finish("else");
        const rest = this.list(["end"]);
        if (rest.end !== "end") throw this.#error("expected end; found {{else}}");
        otherwise = rest.nodes;
      }
    }
    this.#variables.length = depth;
    return { kind, pipe, body, otherwise };
  }

  #pipe(context: string, isRange: boolean): Pipe {
    const at = this.#peek()?.at ?? this.lastAt;
    const { names, declares } = this.#declaration(isRange);
    const commands: Call[] = [];
    for (;;) {
      const call = this.#call();
      if (call === undefined) {
        if (commands.length > 0 || names.length > 0) throw this.#error("missing value for command");
        throw this.#error(`missing value for ${context}`);
      }
      commands.push(call);
      if (this.#peek()?.kind !== "|") break;
      this.#token++;
    }
    if (declares) this.#variables.push(...names);
    return { kind: "pipe", at, source: this.#slice(at), names, declares, commands };
  }

  #declaration(isRange: boolean): { names: string[]; declares: boolean } {
    const [first, second, third, fourth] = this.#tokens.slice(this.#token);
    if (first?.kind !== "variable") return { names: [], declares: false };
    const set = (token?: Token): boolean => token?.kind === ":=" || token?.kind === "=";
    if (set(second)) {
      this.#token += 2;
      return this.#named([first.text], second!);
    }
    if (isRange && second?.kind === "," && third?.kind === "variable" && set(fourth)) {
      this.#token += 4;
      return this.#named([first.text, third.text], fourth!);
    }
    return { names: [], declares: false };
  }

  #named(names: string[], operator: Token): { names: string[]; declares: boolean } {
    if (operator.kind === "=") for (const name of names) this.#known(name);
    return { names, declares: operator.kind === ":=" };
  }

  #known(name: string): void {
    if (!this.#variables.includes(name)) throw this.#error(`undefined variable "${name}"`);
  }

  #call(): Call | undefined {
    const words: Operand[] = [];
    const at = this.#peek()?.at ?? this.lastAt;
    for (let word = this.#operand(); word !== undefined; word = this.#operand()) words.push(word);
    return words.length === 0 ? undefined : { at, source: this.#slice(at), words };
  }

  #operand(): Operand | undefined {
    const token = this.#peek();
    if (token === undefined) return undefined;
    const bare = this.#bare(token);
    if (bare === undefined) return undefined;
    const path = this.#fields();
    if (path.length === 0) return bare;
    const source = this.#slice(bare.at);
    if (bare.kind === "variable") return { ...bare, path, source };
    if (bare.kind === "constant" || bare.kind === "nil" || bare.kind === "dot")
      throw this.#error(`unexpected . after term "${bare.source}"`);
    const at = this.#tokens[this.#token - path.length]!.at;
    return { kind: "chain", of: bare, path, at, source };
  }

  #bare(token: Token): Operand | undefined {
    const own = { at: token.at, source: token.source };
    this.#token++;
    switch (token.kind) {
      case "dot":
        return { kind: "dot", ...own };
      case "field": {
        // Go names the place of a longer path by its second part.
        const next = this.#peek();
        const more = this.#fields();
        const at = more.length > 0 ? next!.at : token.at;
        return { kind: "field", path: [token.text, ...more], at, source: this.#slice(token.at) };
      }
      case "variable":
        this.#known(token.text);
        return { kind: "variable", name: token.text, path: [], ...own };
      case "constant":
        return { kind: "constant", value: token.value!, ...own };
      case "word":
        if (token.text === "nil") return { kind: "nil", ...own };
        if (token.text === "true" || token.text === "false")
          return { kind: "constant", value: token.text === "true", ...own };
        if (!this.#isFunction(token.text)) throw this.#error(`function "${token.text}" not defined`);
        return { kind: "function", name: token.text, ...own };
      case "(": {
        const pipe = this.#pipe("parenthesized pipeline", false);
        if (this.#peek()?.kind !== ")") throw this.#error("unclosed left paren");
        this.#token++;
        return { kind: "group", pipe, at: token.at, source: this.#slice(token.at) };
      }
      default:
        this.#token--;
        return undefined;
    }
  }

  /** Field names that follow without a space: `.A.B`, `$x.A`, `(…).A`. */
  #fields(): string[] {
    const names: string[] = [];
    for (let token = this.#peek(); token?.kind === "field" && !token.spaced; token = this.#peek()) {
      names.push(token.text);
      this.#token++;
    }
    return names;
  }

  #peek(): Token | undefined {
    return this.#tokens[this.#token];
  }

  #finish(context: string): void {
    const token = this.#peek();
    if (token !== undefined) throw this.#error(`unexpected ${describe(token)} in ${context}`);
  }

  /** The source from `from` to the end of the token before this one. */
  #slice(from: number): string {
    const last = this.#tokens[this.#token - 1];
    return last === undefined ? "" : this.#source.slice(from, last.at + last.source.length);
  }

  #error(message: string): SyntaxFault {
    return syntaxError(this.#source, this.lastAt, message);
  }
}

function describe(token: Token): string {
  if (token.kind === ")") return "right paren";
  return token.kind === "word" ? `<${token.source}>` : JSON.stringify(token.source);
}

function syntaxError(source: string, at: number, message: string): SyntaxFault {
  const line = source.slice(0, at).split("\n").length;
  return new SyntaxFault(`${line}: ${message}`);
}
