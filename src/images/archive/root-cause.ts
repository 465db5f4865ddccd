import { corrupt, isKind, messageOf, withKind } from "../../base/errors.ts";

/** Where one stream fails, all that hang on it do: the failure that is more than the end of another one. */
export function rootCause(failures: readonly unknown[]): Error {
  const root = failures.find((error) => !isAftermath(error)) ?? corrupt("unexpected EOF", { cause: failures[0] });
  if (isKind(root)) return root;
  if (/^invalid (tar )?header/i.test(messageOf(root)))
    return corrupt("archive/tar: invalid tar header", { cause: root });
  return withKind(root, "corrupt");
}

function isAftermath(error: unknown): boolean {
  return /unexpected end of data|premature close|stream (was )?destroyed|closed prematurely|aborted/i.test(
    messageOf(error),
  );
}
