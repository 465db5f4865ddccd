import { messageOf } from "../../base/errors.ts";
import { Failure } from "../failure.ts";
import { Template } from "../template/template.ts";

/** A template's text as a line. Docker ends the line even where the template failed in it. */
export function lineOf(context: { print(text: string): void }, run: () => string): string {
  try {
    return `${run()}\n`;
  } catch (error) {
    context.print("\n");
    throw error;
  }
}

/** How faults are told of. */
export interface OneWords {
  readonly fault?: string;
  readonly runFault?: string;
  /** As messages name the template. */
  readonly name?: string;
}

/** The function that a `--format` of one thing stands for. Throws {@link Failure} 64 where it is no template. */
export function compileOne(format: string, words: OneWords = {}): (value: unknown) => string {
  const { fault = "template parsing error", name = "", runFault = "" } = words;
  let template: Template;
  try {
    template = new Template(format === "json" ? "{{json .}}" : format, { name });
  } catch (error) {
    throw new Failure(`${fault}: ${messageOf(error)}`, 64, error);
  }
  return (value) => {
    try {
      return template.run(value);
    } catch (error) {
      throw new Failure(`${runFault}${messageOf(error)}`, runFault === "" ? 1 : 64, error);
    }
  };
}
