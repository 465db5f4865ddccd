/** A new object ID: 256 random bits as 64 lower-case hex digits, as Docker's. */
export function newId(): string {
  // Loaded when the first one is made: the command line only shows IDs, and node:crypto takes 5 ms.
  return process.getBuiltinModule("node:crypto").randomBytes(32).toString("hex");
}

/** The first twelve digits, which Docker shows in tables and uses as a host name. */
export function shortId(id: string): string {
  return (id.startsWith("sha256:") ? id.slice(7) : id).slice(0, 12);
}
