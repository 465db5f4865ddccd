import { evaluate } from "./evaluate.ts";
import { type Functions, functions, headingFunctions } from "./functions.ts";
import { type Node, parseTemplate } from "./parse.ts";

export { TemplateExecError } from "./evaluate.ts";
export { TemplateSyntaxError } from "./parse.ts";

export interface TemplateOptions {
  /** A key that a map does not have is an error. */
  readonly missingKeyFails?: boolean;
  /** As messages name the template. */
  readonly name?: string;
}

/** A Go template, parsed once and run on any number of values. */
export class Template {
  readonly #source: string;
  readonly #nodes: readonly Node[];
  readonly #missingKeyFails: boolean;
  readonly #name: string;

  /** Throws TemplateSyntaxError. */
  constructor(source: string, { missingKeyFails = false, name = "" }: TemplateOptions = {}) {
    this.#name = name;
    this.#source = source;
    this.#missingKeyFails = missingKeyFails;
    this.#nodes = parseTemplate(source, (word) => Object.hasOwn(functions, word), name);
  }

  /** The text for one value. Throws TemplateExecError. */
  run(data: unknown): string {
    return this.#run(data, functions);
  }

  /** A table's line of headings: `data` holds the heading of each field. */
  heading(data: unknown): string {
    return this.#run(data, headingFunctions);
  }

  #run(data: unknown, own: Functions): string {
    const options = { source: this.#source, name: this.#name, functions: own, missingKeyFails: this.#missingKeyFails };
    return evaluate(this.#nodes, data, options);
  }
}
