import { invalid } from "../base/errors.ts";

/** The modes that may follow the second colon of `-v`, each in its kind; one of each kind at most. */
const kinds: Readonly<Record<string, string>> = {
  rw: "access",
  ro: "access",
  z: "label",
  Z: "label",
  nocopy: "copy",
  private: "propagation",
  rprivate: "propagation",
  shared: "propagation",
  rshared: "propagation",
  slave: "propagation",
  rslave: "propagation",
  consistent: "consistency",
  cached: "consistency",
  delegated: "consistency",
};

/** What a mode such as `ro,z` says. */
export interface MountMode {
  readonly rw: boolean;
  readonly noCopy: boolean;
  readonly propagation?: string;
}

export function isMountMode(mode: string): boolean {
  if (mode === "") return true;
  const found = mode.split(",").map((word) => (Object.hasOwn(kinds, word) ? kinds[word] : undefined));
  return !found.includes(undefined) && new Set(found).size === found.length;
}

export function isPropagation(word: string): boolean {
  return Object.hasOwn(kinds, word) && kinds[word] === "propagation";
}

/** Throws `invalid` "invalid mode: X". */
export function parseMountMode(mode: string): MountMode {
  if (!isMountMode(mode)) throw invalid(`invalid mode: ${mode}`);
  const words = mode.split(",");
  return { rw: !words.includes("ro"), noCopy: words.includes("nocopy"), propagation: words.find(isPropagation) };
}
