import { invalid } from "../base/errors.ts";

/** Docker's rule for a name that the user chose; the longest is what a folder's name can be (NAME_MAX). */
export function checkVolumeName(name: string): void {
  const fail = (why: string): never => {
    throw invalid(`create ${name}: ${why}`);
  };
  if (name.length === 1) fail("volume name is too short, names should be at least two alphanumeric characters");
  if (!/^[a-zA-Z0-9][a-zA-Z0-9_.-]+$/.test(name))
    fail(
      `${JSON.stringify(name)} includes invalid characters for a local volume name, only "[a-zA-Z0-9][a-zA-Z0-9_.-]" are allowed. If you intended to pass a host directory, use absolute path`,
    );
  if (name.length > 255) fail("volume name is too long, names should be at most 255 characters");
}
