import type { Context } from "./context.ts";
import { Failure, textOf } from "./failure.ts";
import { inspectTemplate } from "./format/inspect.ts";

/**
 * Prints objects as JSON, or each through a template, as every `inspect` does: those that were found first, then the
 * failures on stderr.
 */
export async function inspectObjects(
  context: Context,
  names: readonly string[],
  format: string,
  find: (name: string) => Promise<unknown>,
): Promise<number> {
  const template = format === "" || format === "json" ? undefined : inspectTemplate(format);
  const found: unknown[] = [];
  const texts: string[] = [];
  const errors: string[] = [];
  let failure: Failure | undefined;
  for (const name of names) {
    try {
      const object = await find(name);
      found.push(object);
      if (template) texts.push(`${template(object)}\n`);
    } catch (error) {
      if (error instanceof Failure && error.message.startsWith("template ")) {
        failure = error;
        break;
      }
      errors.push(textOf(error));
    }
  }
  if (template) context.print(texts.join("") || "\n");
  else context.print(`${format === "json" ? JSON.stringify(found) : JSON.stringify(found, null, 4)}\n`);
  if (failure) throw failure;
  if (errors.length > 0) throw new Failure(errors.join("\n"));
  return 0;
}
