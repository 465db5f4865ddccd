import type { Mount } from "../kernel.ts";
import { check, errnoName, failure, lastErrno } from "../sys/errno.ts";
import { close, fsconfig, fsmount, fsopen, mount, moveMount, open, read } from "../sys/libc.ts";
import { mountBind } from "./bind.ts";
import { splitOptions } from "./options.ts";

type OverlayMount = Extract<Mount, { readonly type: "overlay" }>;

const FSCONFIG_SET_FLAG = 0;
const FSCONFIG_SET_STRING = 1;
const FSCONFIG_CMD_CREATE = 6;
const O_PATH = 0x200000;
const O_CLOEXEC = 0x80000;
/** What fsconfig(2) takes as a string, its NUL counted. */
const stringLimit = 256;
/** What mount(2) takes as data: a page, its last byte a NUL. */
const dataLimit = 4095;

/**
 * Mounts an overlay. Lower folders go to the kernel one by one (`lowerdir+`, Linux 6.7), so that neither their number
 * nor the characters in their paths matter; older kernels get them through mount(2), see {@link overlayInOneString}.
 * An overlay needs two folders to be one: a single lower without an upper is bound read-only, an upper without a lower
 * is bound as it is.
 */
export function mountOverlay(overlay: OverlayMount): void {
  const { target, lower, upper } = overlay;
  if (upper === undefined && lower.length === 1) {
    mountBind({ type: "bind", source: lower[0]!, target, readOnly: true });
  } else if (upper !== undefined && lower.length === 0) {
    mountBind({ type: "bind", source: upper, target });
  } else if (!overlayInPieces(overlay)) {
    overlayInOneString(overlay);
  }
}

/** False where this kernel does not have what it takes. */
function overlayInPieces(overlay: OverlayMount): boolean {
  const step = `mount overlay on ${overlay.target}`;
  const fs = fsopen("overlay");
  if (fs < 0 && errnoName(lastErrno()) === "ENOSYS") return false;
  check(fs, step, overlay.target);
  const held: number[] = [];
  try {
    const { flags, data } = splitOptions(overlay.options ?? []);
    const set = (key: string, value: string): void => configure(fs, step, FSCONFIG_SET_STRING, key, value);
    set("source", "overlay");
    const [first = "", ...rest] = overlay.lower;
    if (fsconfig(fs, FSCONFIG_SET_STRING, "lowerdir+", shortPath(first, held, step)) < 0) {
      if (unknownOption(fs)) return false;
      throw refusal(fs, step, first);
    }
    for (const folder of rest) set("lowerdir+", shortPath(folder, held, step));
    // Unlike a lower one, these two have their backslashes taken for escapes.
    if (overlay.upper !== undefined) set("upperdir", escapeBackslash(shortPath(overlay.upper, held, step)));
    if (overlay.work !== undefined) set("workdir", escapeBackslash(shortPath(overlay.work, held, step)));
    for (const option of data) {
      const [key = "", ...value] = option.split("=");
      if (value.length > 0) set(key, value.join("="));
      else configure(fs, step, FSCONFIG_SET_FLAG, key, null);
    }
    configure(fs, step, FSCONFIG_CMD_CREATE, null, null);
    attach(fs, flags, overlay.target, step);
    return true;
  } finally {
    for (const fd of held) close(fd);
    close(fs);
  }
}

function attach(fs: number, flags: number, target: string, step: string): void {
  // The first four flags of mount(2) and of fsmount(2) are the same; atime ones are not worth a table here.
  const fd = check(fsmount(fs, flags & 0xf), step, target);
  try {
    check(moveMount(fd, target), step, target);
  } finally {
    close(fd);
  }
}

function configure(fs: number, step: string, command: number, key: string | null, value: string | null): void {
  if (fsconfig(fs, command, key, value) < 0) throw refusal(fs, step, value ?? undefined);
}

/** The error with the words that the file system left on its descriptor: `e overlay: …`, one message a read. */
function refusal(fs: number, step: string, path: string | undefined): Error {
  const errno = errnoName(lastErrno());
  const words = messages(fs).map((line) => line.replace(/^[ewi] /, ""));
  return failure(step, errno, words.join("; ") || path, path);
}

function unknownOption(fs: number): boolean {
  const errno = errnoName(lastErrno());
  return errno === "EINVAL" && messages(fs).some((line) => line.includes("Unknown parameter"));
}

function messages(fs: number): string[] {
  const found: string[] = [];
  const buffer = Buffer.alloc(512);
  for (;;) {
    const size = read(fs, buffer, buffer.length);
    if (size <= 0) return found;
    found.push(buffer.toString("utf8", 0, size).trim());
  }
}

/** The path, or where it is too long one that leads to it through an open descriptor. */
function shortPath(path: string, held: number[], step: string): string {
  return Buffer.byteLength(escapeBackslash(path)) < stringLimit ? path : throughDescriptor(path, held, step);
}

function throughDescriptor(path: string, held: number[], step: string): string {
  const fd = check(open(path, O_PATH | O_CLOEXEC, 0), `${step}: open ${path}`, path);
  held.push(fd);
  return `/proc/self/fd/${fd}`;
}

const escapeBackslash = (path: string): string => path.replaceAll("\\", "\\\\");

/**
 * The overlay as one option string of at most a page. Where the paths do not fit, or hold a character that means
 * something there, the folders are opened and named by their descriptors: 17 bytes each, enough for 200 layers.
 */
export function overlayInOneString(overlay: OverlayMount): void {
  const step = `mount overlay on ${overlay.target}`;
  const held: number[] = [];
  const { flags, data } = splitOptions(overlay.options ?? []);
  try {
    const plain = optionString(overlay, data, (path) => path);
    const special = [...overlay.lower, overlay.upper ?? "", overlay.work ?? ""].some((path) => /[,:\\]/.test(path));
    const fits = !special && Buffer.byteLength(plain) <= dataLimit;
    const text = fits ? plain : optionString(overlay, data, (path) => throughDescriptor(path, held, step));
    check(mount("overlay", overlay.target, "overlay", flags, text), step, overlay.target);
  } finally {
    for (const fd of held) close(fd);
  }
}

function optionString(overlay: OverlayMount, data: readonly string[], name: (path: string) => string): string {
  const options = [`lowerdir=${overlay.lower.map(name).join(":")}`];
  if (overlay.upper !== undefined) options.push(`upperdir=${name(overlay.upper)}`);
  if (overlay.work !== undefined) options.push(`workdir=${name(overlay.work)}`);
  return [...options, ...data].join(",");
}
