import { messageOf } from "../../base/errors.ts";
import { Failure } from "../failure.ts";
import { Template } from "../template/template.ts";

/** The function that a `--format` of one thing stands for. Throws {@link Failure} 64 where it is no template. */
export function compileOne(format: string): (value: unknown) => string {
  let template: Template;
  try {
    template = new Template(format === "json" ? "{{json .}}" : format);
  } catch (error) {
    throw new Failure(`template parsing error: ${messageOf(error)}`, 64, error);
  }
  return (value) => {
    try {
      return template.run(value);
    } catch (error) {
      throw new Failure(messageOf(error), 1, error);
    }
  };
}
