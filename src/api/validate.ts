import type { TSchema } from "@sinclair/typebox";
import { systemError } from "../base/errors.ts";

/** Checks an answer against its schema. Throws `system`, naming the fields that are wrong. */
export type Validate = (schema: TSchema, value: unknown, what: string) => void;

/** Loads the checker: only tests pay for it. */
export async function loadValidator(): Promise<Validate> {
  const { Value } = await import("@sinclair/typebox/value");
  return (schema, value, what) => {
    // As the client will see it: without fields that are undefined.
    const sent: unknown = JSON.parse(JSON.stringify(value ?? null));
    if (Value.Check(schema, sent)) return;
    const wrong = [...Value.Errors(schema, sent)].slice(0, 5).map(({ path, message }) => `${path || "/"}: ${message}`);
    throw systemError(`the answer of ${what} is not what its schema says: ${wrong.join("; ")}`);
  };
}
