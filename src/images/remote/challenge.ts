/** One challenge of a `WWW-Authenticate` header (RFC 9110, 11.6.1). */
export interface Challenge {
  /** In lower case: `basic`, `bearer`. */
  readonly scheme: string;
  /** Names in lower case. */
  readonly parameters: Readonly<Record<string, string>>;
}

const token = "[!#$%&'*+.^_`|~0-9A-Za-z-]+";
const parameter = new RegExp(`^(${token})\\s*=\\s*(?:"((?:[^"\\\\]|\\\\.)*)"|([^\\s,"]*))\\s*(?:,\\s*|$)`);
const scheme = new RegExp(`^(${token})(?:\\s+|$)`);

/** The challenges of a header; what cannot be read ends the list. */
export function parseChallenges(header: string): Challenge[] {
  const challenges: Array<{ scheme: string; parameters: Record<string, string> }> = [];
  let rest = header.trim();
  while (rest !== "") {
    const pair = parameter.exec(rest);
    const current = challenges.at(-1);
    if (pair && current) {
      current.parameters[pair[1]!.toLowerCase()] = pair[2]?.replace(/\\(.)/g, "$1") ?? pair[3] ?? "";
      rest = rest.slice(pair[0].length);
      continue;
    }
    const name = scheme.exec(rest.replace(/^,\s*/, ""));
    if (!name) break;
    challenges.push({ scheme: name[1]!.toLowerCase(), parameters: {} });
    rest = rest.replace(/^,\s*/, "").slice(name[0].length);
  }
  return challenges;
}
