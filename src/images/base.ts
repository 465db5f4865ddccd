import { spawn } from "node:child_process";
import { access, readFile } from "node:fs/promises";
import { Readable } from "node:stream";
import { buffer, text } from "node:stream/consumers";
import { pack } from "tar-stream";
import { isKind, systemError, unavailable } from "../base/errors.ts";
import type { Operation } from "../base/operation.ts";
import { familiarString, tryParseReference, withDefaultTag } from "../oci/reference.ts";
import type { Image, Images, PullOptions } from "./images.ts";

/** The name of the image that needs no registry. */
export const baseReference = "keelson/base:latest";

/** Its time of creation and of every file: the same machine always makes the same image. */
const epoch = "2024-01-01T00:00:00Z";
const busyboxPaths = ["/bin/busybox", "/usr/bin/busybox"];
const folders: ReadonlyArray<readonly [string, number]> = [
  ["bin", 0o755],
  ["dev", 0o755],
  ["etc", 0o755],
  ["home", 0o755],
  ["proc", 0o755],
  ["root", 0o700],
  ["sbin", 0o755],
  ["sys", 0o755],
  ["tmp", 0o1777],
  ["usr", 0o755],
  ["usr/bin", 0o755],
  ["usr/sbin", 0o755],
  ["var", 0o755],
  ["var/spool", 0o755],
  ["var/tmp", 0o1777],
  ["var/www", 0o755],
];
const files: ReadonlyArray<readonly [string, number, string]> = [
  [
    "etc/group",
    0o644,
    "root:x:0:\ndaemon:x:1:\nbin:x:2:\nsys:x:3:\nadm:x:4:\ntty:x:5:\nwww-data:x:33:\nusers:x:100:\nnogroup:x:65534:\n",
  ],
  ["etc/hosts", 0o644, "127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost ip6-loopback\n"],
  ["etc/nsswitch.conf", 0o644, "passwd: files\ngroup: files\nshadow: files\nhosts: files dns\n"],
  [
    "etc/passwd",
    0o644,
    "root:x:0:0:root:/root:/bin/sh\ndaemon:x:1:1:daemon:/usr/sbin:/bin/false\nbin:x:2:2:bin:/bin:/bin/false\n" +
      "www-data:x:33:33:www-data:/var/www:/bin/false\nnobody:x:65534:65534:nobody:/home:/bin/false\n",
  ],
  ["etc/shadow", 0o640, "root:*:::::::\ndaemon:*:::::::\nbin:*:::::::\nwww-data:*:::::::\nnobody:*:::::::\n"],
];

/** True for the base image's own name, which no registry is asked for. */
export function isBase(reference: string): boolean {
  const name = tryParseReference(reference);
  return name !== undefined && familiarString(withDefaultTag(name)) === baseReference;
}

/** What a pull of the base image does: it is made here, so `docker run keelson/base` works from the first day. */
export async function pullBase(
  op: Operation,
  images: Pick<Images, "resolve" | "import">,
  { onProgress = () => {} }: PullOptions,
): Promise<Image> {
  onProgress({ status: "Making it of this machine's static busybox", id: "latest" });
  const image = await ensureBase(op, images);
  onProgress({ status: `Status: Image is ready for ${baseReference}` });
  return image;
}

/**
 * The embedded base image, made of the system's static busybox where it is not here yet: a small root file system with
 * every applet. Throws `unavailable` where busybox is missing.
 */
export async function ensureBase(op: Operation, images: Pick<Images, "resolve" | "import">): Promise<Image> {
  try {
    return images.resolve(baseReference);
  } catch (error) {
    if (!isKind(error, "notFound")) throw error;
  }
  const busybox = await findBusybox();
  const archive = await rootFileSystem(await readFile(busybox), await appletsOf(busybox));
  return images.import(op, Readable.from([archive]), {
    reference: baseReference,
    changes: ['CMD ["sh"]', "ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"],
    message: "Made of the system's busybox",
    created: epoch,
  });
}

async function findBusybox(): Promise<string> {
  for (const path of busyboxPaths) {
    const found = await access(path).then(
      () => true,
      () => false,
    );
    if (found) return path;
  }
  throw unavailable("the base image is made of /bin/busybox, which is missing: install the package busybox-static");
}

async function appletsOf(busybox: string): Promise<string[]> {
  const child = spawn(busybox, ["--list"], { stdio: ["ignore", "pipe", "inherit"] });
  const failed = new Promise<never>((_, reject) => child.on("error", reject));
  try {
    const listed = await Promise.race([text(child.stdout), failed]);
    return listed.split("\n").filter((name) => /^[\w[.+-]+$/.test(name) && name !== "busybox");
  } catch (error) {
    throw systemError(`${busybox} --list: ${(error as Error).message}`, { cause: error });
  }
}

/** A tar of the root file system: the same bytes for the same busybox. */
async function rootFileSystem(busybox: Buffer, applets: readonly string[]): Promise<Buffer> {
  const archive = pack();
  const common = { mtime: new Date(epoch), uid: 0, gid: 0, uname: "root", gname: "root" };
  const whole = buffer(archive as unknown as Readable);
  for (const [name, mode] of folders) archive.entry({ ...common, name: `${name}/`, mode, type: "directory" });
  for (const [name, mode, content] of files) archive.entry({ ...common, name, mode }, content);
  archive.entry({ ...common, name: "bin/busybox", mode: 0o755 }, busybox);
  for (const applet of [...applets].sort())
    archive.entry({ ...common, name: `bin/${applet}`, type: "symlink", linkname: "busybox", mode: 0o777 });
  archive.finalize();
  return whole;
}
