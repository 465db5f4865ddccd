import { messageOf } from "../../base/errors.ts";
import type { Functions } from "./functions.ts";
import type { Branch, Call, Node, Operand, Pipe } from "./parse.ts";
import { isMap, isTrue, nil, Struct, show, sortedEntries, typeName } from "./values.ts";

/** What went wrong while a template ran, in Go's words. */
export class TemplateExecError extends Error {}

export interface EvaluateOptions {
  readonly source: string;
  /** As messages name the template. */
  readonly name: string;
  readonly functions: Functions;
  /** A key that a map does not have is an error; without it, it is `<no value>`. */
  readonly missingKeyFails: boolean;
}

type Signal = "break" | "continue" | undefined;
interface Variable {
  readonly name: string;
  value: unknown;
}

/** Runs a parsed template on `data`. Throws {@link TemplateExecError}. */
export function evaluate(nodes: readonly Node[], data: unknown, options: EvaluateOptions): string {
  const run = new Run(data, options);
  run.list(nodes, data);
  return run.output;
}

class Run {
  output = "";
  readonly #options: EvaluateOptions;
  readonly #variables: Variable[];

  constructor(data: unknown, options: EvaluateOptions) {
    this.#options = options;
    this.#variables = [{ name: "$", value: data }];
  }

  list(nodes: readonly Node[], dot: unknown): Signal {
    for (const node of nodes) {
      if (node.kind === "text") this.output += node.text;
      else if (node.kind === "jump") return node.to;
      else if (node.kind === "action") {
        const value = this.#pipe(node.pipe, dot);
        if (node.pipe.names.length === 0) this.output += printed(value);
      } else {
        const signal = this.#branch(node, dot);
        if (signal !== undefined) return signal;
      }
    }
    return undefined;
  }

  #branch(node: Branch, dot: unknown): Signal {
    const depth = this.#variables.length;
    try {
      if (node.kind === "range") return this.#range(node, dot);
      const value = this.#pipe(node.pipe, dot);
      const inner = node.kind === "with" ? value : dot;
      return isTrue(value) ? this.list(node.body, inner) : this.list(node.otherwise, dot);
    } finally {
      this.#variables.length = depth;
    }
  }

  #range(node: Branch, dot: unknown): Signal {
    const over = this.#pipe(node.pipe, dot, true);
    const pairs = this.#pairs(over, node);
    if (pairs.length === 0) return this.list(node.otherwise, dot);
    const depth = this.#variables.length;
    for (const [key, item] of pairs) {
      const { names } = node.pipe;
      const values = names.length === 2 ? [key, item] : [item];
      names.forEach((name, index) => {
        this.#assign(name, values[index], node.pipe.declares);
      });
      const signal = this.list(node.body, item);
      this.#variables.length = depth;
      if (signal === "break") break;
    }
    return undefined;
  }

  #pairs(over: unknown, node: Branch): Array<[unknown, unknown]> {
    if (over === undefined || over === null || over === nil) return [];
    if (Array.isArray(over)) return [...over.entries()];
    if (isMap(over)) return sortedEntries(over);
    if (typeof over === "number" && Number.isInteger(over))
      return Array.from({ length: Math.max(0, over) }, (_, index) => [index, index]);
    throw this.#error(node.pipe, `range can't iterate over ${show(over)}`);
  }

  #pipe(pipe: Pipe, dot: unknown, isRange = false): unknown {
    let value: unknown;
    pipe.commands.forEach((call, index) => {
      value = this.#call(call, dot, index === 0 ? [] : [value]);
    });
    if (!isRange) for (const name of pipe.names) this.#assign(name, value, pipe.declares);
    return value;
  }

  #assign(name: string, value: unknown, declares: boolean): void {
    if (declares) this.#variables.push({ name, value });
    else this.#variables.findLast((variable) => variable.name === name)!.value = value;
  }

  /** `final` holds the value that came through the pipe, where one did. */
  #call(call: Call, dot: unknown, final: unknown[]): unknown {
    const [first, ...rest] = call.words as [Operand, ...Operand[]];
    if (first.kind === "function") return this.#function(call, first, rest, dot, final);
    const callable = first.kind === "field" || first.kind === "variable" || first.kind === "chain";
    if (callable && (first.kind !== "variable" || first.path.length > 0))
      return this.#operand(first, dot, [...rest.map((word) => this.#operand(word, dot)), ...final]);
    if (rest.length + final.length > 0) throw this.#error(first, `can't give argument to non-function ${first.source}`);
    if (first.kind === "nil") throw this.#error(first, "nil is not a command");
    return this.#operand(first, dot);
  }

  #function(call: Call, word: Operand, rest: Operand[], dot: unknown, final: unknown[]): unknown {
    const name = (word as { name: string }).name;
    if (name === "and" || name === "or") return this.#shortCircuit(name, word, rest, dot, final);
    const args = [...rest.map((operand) => this.#operand(operand, dot)), ...final];
    try {
      const own = this.#options.functions[name] as (...args: unknown[]) => unknown;
      const wanted = own.length;
      if (args.length < wanted)
        throw new WrongCount(`wrong number of args for ${name}: want ${wanted} got ${args.length}`);
      return own(...args);
    } catch (error) {
      if (error instanceof WrongCount || error instanceof TemplateExecError) throw this.#error(word, error.message);
      const message = messageOf(error);
      const known = message.startsWith("error calling") || message.startsWith("wrong type");
      throw this.#error({ at: word.at, source: call.source }, known ? message : `error calling ${name}: ${message}`);
    }
  }

  #shortCircuit(name: "and" | "or", word: Operand, rest: Operand[], dot: unknown, final: unknown[]): unknown {
    if (rest.length + final.length === 0)
      throw this.#error(word, `wrong number of args for ${name}: want at least 1 got 0`);
    let value: unknown;
    for (const operand of rest) {
      value = this.#operand(operand, dot);
      if (isTrue(value) === (name === "or")) return value;
    }
    return final.length > 0 ? final[0] : value;
  }

  #operand(word: Operand, dot: unknown, args: unknown[] = []): unknown {
    switch (word.kind) {
      case "dot":
        return dot;
      case "nil":
        return null;
      case "constant":
        return word.value;
      case "group":
        return this.#pipe(word.pipe, dot);
      case "function":
        return this.#function({ at: word.at, source: word.source, words: [word] }, word, [], dot, []);
      case "field":
        return this.#path(dot, word.path, word, args);
      case "chain":
        return this.#path(this.#operand(word.of, dot), word.path, word, args);
      case "variable": {
        const value = this.#variables.findLast((variable) => variable.name === word.name)!.value;
        return this.#path(value, word.path, word, args);
      }
    }
  }

  #path(from: unknown, path: readonly string[], word: Operand, args: unknown[]): unknown {
    return path.reduce<unknown>(
      (value, name, index) => this.#field(value, name, word, index === path.length - 1 ? args : []),
      from,
    );
  }

  #field(receiver: unknown, name: string, word: Operand, args: unknown[]): unknown {
    if (receiver instanceof Struct) {
      if (!Object.hasOwn(receiver.fields, name))
        throw this.#error(word, `can't evaluate field ${name} in type ${receiver.type}`);
      const field = receiver.fields[name];
      if (typeof field === "function") return (field as (...args: unknown[]) => unknown)(...args);
      if (args.length > 0) throw this.#error(word, `${name} is not a method but has arguments`);
      return field;
    }
    if (isMap(receiver)) {
      if (args.length > 0) throw this.#error(word, `${name} is not a method but has arguments`);
      if (Object.hasOwn(receiver, name)) return receiver[name];
      if (this.#options.missingKeyFails) throw this.#error(word, `map has no entry for key "${name}"`);
      return undefined;
    }
    if (receiver === undefined || receiver === null || receiver === nil)
      throw this.#error(word, `nil pointer evaluating interface {}.${name}`);
    const type = this.#options.missingKeyFails ? "interface {}" : typeName(receiver);
    throw this.#error(word, `can't evaluate field ${name} in type ${type}`);
  }

  #error(where: { at: number; source: string }, message: string): TemplateExecError {
    const before = this.#options.source.slice(0, where.at).split("\n");
    const column = Buffer.byteLength(before.at(-1)!);
    return new TemplateExecError(
      `template: ${this.#options.name}:${before.length}:${column}: executing "${this.#options.name}" at <${where.source}>: ${message}`,
    );
  }
}

class WrongCount extends Error {}

function printed(value: unknown): string {
  return value === undefined || value === null ? "<no value>" : show(value);
}
