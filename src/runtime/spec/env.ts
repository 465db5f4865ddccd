/** Where programs are looked for when neither the image nor the user says so (Docker's default). */
export const defaultPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

export interface EnvRequest {
  readonly hostname: string;
  readonly tty: boolean;
  /** The home folder in the user's passwd entry. */
  readonly home?: string;
  /** The container's own variables, and over them those of an exec. */
  readonly layers: ReadonlyArray<readonly string[] | undefined>;
}

/**
 * A process's environment: PATH, HOSTNAME, with a terminal TERM, and then each layer over those before it. A variable
 * keeps the place where it was first named; one given without `=` is taken out (Docker's `--env NAME` of an unset one).
 * HOME is added at the end where nobody set it, as the OCI runtimes do.
 */
export function environment({ hostname, tty, home, layers }: EnvRequest): string[] {
  const values = new Map<string, string>([
    ["PATH", defaultPath],
    ["HOSTNAME", hostname],
  ]);
  if (tty) values.set("TERM", "xterm");
  for (const variable of layers.flatMap((layer) => layer ?? [])) {
    const at = variable.indexOf("=");
    if (at < 0) values.delete(variable);
    else values.set(variable.slice(0, at), variable.slice(at + 1));
  }
  if (home !== undefined && !values.has("HOME")) values.set("HOME", home);
  return Array.from(values, ([name, value]) => `${name}=${value}`);
}
