import { messageOf } from "../../base/errors.ts";
import { parsePlatform } from "../../oci/platform.ts";
import { Failure } from "../failure.ts";

/** `--platform` as the API takes it where it wants JSON; nothing where it was not given. */
export function platformJson(text: string): { platform?: string } {
  if (text === "") return {};
  try {
    return { platform: JSON.stringify(parsePlatform(text)) };
  } catch (error) {
    throw new Failure(`invalid platform: ${messageOf(error)}`, 1, error);
  }
}
