import { closeSync, fstatSync, openSync, readFileSync } from "node:fs";
import { invalid, KeelsonError, withKind } from "../base/errors.ts";
import { close, errno, fileError, flag, openat2, resolve } from "../kernel/files.ts";
import type { ProcessUser } from "../oci/runtime-spec.ts";

/** Who a process runs as. */
export interface ResolvedUser {
  readonly user: ProcessUser;
  /** From the passwd entry; `/` without one. */
  readonly home: string;
}

interface PasswdEntry {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
  readonly home: string;
}

interface GroupEntry {
  readonly name: string;
  readonly gid: number;
  readonly members: readonly string[];
}

const maxId = 2 ** 31 - 1;
/** More than any real passwd file; a hostile image shall not fill the engine's memory. */
const maxBytes = 16 * 1024 * 1024;

/**
 * Resolves `name`, `uid`, `name:group`, `uid:gid` (empty: the root user) and the additional groups of `--group-add` by
 * the `/etc/passwd` and `/etc/group` of the root file system at `root`. A user who names no group gets the groups that
 * have the user as a member. Throws `invalid` "unable to find user nope: no matching entries in passwd file".
 */
export function resolveUser(root: string, spec: string, groupAdd: readonly string[] = []): ResolvedUser {
  return lookupUser(readInRoot(root, "etc/passwd"), readInRoot(root, "etc/group"), spec, groupAdd);
}

/** {@link resolveUser} on the contents of the two files. */
export function lookupUser(
  passwd: string,
  group: string,
  spec: string,
  groupAdd: readonly string[] = [],
): ResolvedUser {
  const [userPart = "", groupPart = ""] = spec.split(/:(.*)/s);
  const entry = parsePasswd(passwd).find(({ name, uid }) =>
    userPart === "" ? uid === 0 : name === userPart || uid === number(userPart),
  );
  const uid = entry?.uid ?? (userPart === "" ? 0 : idOf(userPart, "user", "passwd"));
  const groups = parseGroup(group);
  let gid = entry?.gid ?? 0;
  let member: number[] = [];
  if (groupPart !== "") gid = groupId(groups, groupPart);
  else if (entry) member = groups.filter(({ members }) => members.includes(entry.name)).map((found) => found.gid);
  const added = groupAdd.map((name) => groupId(groups, name));
  return {
    user: { uid, gid, additionalGids: [...new Set([gid, ...member, ...added])] },
    home: entry?.home || "/",
  };
}

function groupId(groups: readonly GroupEntry[], wanted: string): number {
  const found = groups.find(({ name, gid }) => name === wanted || gid === number(wanted));
  return found?.gid ?? idOf(wanted, "group", "group");
}

/** A number that no entry has stands for itself. */
function idOf(text: string, what: "user" | "group", file: "passwd" | "group"): number {
  const id = number(text);
  if (id === undefined) throw invalid(`unable to find ${what} ${text}: no matching entries in ${file} file`);
  if (id < 0 || id > maxId) throw invalid(`uids and gids must be in range 0-${maxId}`);
  return id;
}

const number = (text: string): number | undefined => (/^[+-]?\d+$/.test(text) ? Number(text) : undefined);

/** Lines of passwd(5); malformed ones are passed over, for a number misread as 0 would be root. */
function parsePasswd(text: string): PasswdEntry[] {
  return lines(text).flatMap(([name = "", , uid = "", gid = "", , home = ""]) => {
    const [u, g] = [number(uid), number(gid)];
    return name && valid(u) && valid(g) ? { name, uid: u, gid: g, home } : [];
  });
}

/** Lines of group(5). */
function parseGroup(text: string): GroupEntry[] {
  return lines(text).flatMap(([name = "", , gid = "", members = ""]) => {
    const id = number(gid);
    return name && valid(id) ? { name, gid: id, members: members.split(",").map((member) => member.trim()) } : [];
  });
}

const valid = (id: number | undefined): id is number => id !== undefined && id >= 0 && id <= 2 ** 32 - 2;

function lines(text: string): string[][] {
  return text
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "" && !line.startsWith("#"))
    .map((line) => line.split(":"));
}

/**
 * The text of a regular file of a container's root, empty where it is missing. The kernel resolves the path within the
 * root (`RESOLVE_IN_ROOT`): no link of the image, and no rename by a process inside, leads out of it.
 */
function readInRoot(root: string, path: string): string {
  const folder = openFolder(root);
  try {
    const flags = flag.RDONLY | flag.NONBLOCK | flag.CLOEXEC;
    const file = openat2(folder, path, flags, resolve.IN_ROOT | resolve.NO_MAGICLINKS);
    if (file === -errno.ENOENT || file === -errno.ENOTDIR || file === -errno.ELOOP) return "";
    if (file < 0) throw fileError(file, "openat2", `${root}/${path}`);
    try {
      return readRegular(file, `/${path}`);
    } finally {
      close(file);
    }
  } finally {
    closeSync(folder);
  }
}

function openFolder(path: string): number {
  try {
    return openSync(path, flag.PATH | flag.DIRECTORY | flag.CLOEXEC);
  } catch (error) {
    throw withKind(error);
  }
}

function readRegular(file: number, path: string): string {
  const stats = fstatSync(file);
  if (!stats.isFile()) return "";
  if (stats.size > maxBytes) throw new KeelsonError("invalid", `${path} of the container is too large`, { path });
  return readFileSync(file, "utf8");
}
