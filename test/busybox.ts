import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestHost } from "./host.ts";

let made: Buffer | undefined;

/** A tar of a small root file system around this machine's static busybox, for `docker import`. */
export function busyboxTar(): Buffer {
  made ??= withRootfs((root) => execFileSync("tar", ["-C", root, "-c", "."], { maxBuffer: 1 << 28 }));
  return made;
}

/** Brings `busybox:latest` to a host's daemon. */
export async function importBusybox(host: Pick<TestHost, "docker">): Promise<void> {
  const imported = await host.docker(["import", "-", "busybox:latest"], { input: busyboxTar() });
  assert.equal(imported.code, 0, imported.stderr);
}

/** Makes the root file system in `root`. */
export function makeRootfs(root: string): void {
  const busybox = ["/bin/busybox", "/usr/bin/busybox"].find((path) => existsSync(path));
  if (!busybox) throw new Error("busybox-static is not installed");
  for (const folder of ["bin", "etc", "tmp", "root", "proc", "sys", "dev", "var/www", "home/user"])
    mkdirSync(join(root, folder), { recursive: true });
  copyFileSync(busybox, join(root, "bin/busybox"));
  chmodSync(join(root, "bin/busybox"), 0o755);
  const applets = execFileSync(busybox, ["--list"], { encoding: "utf8" }).split("\n").filter(Boolean);
  for (const applet of applets) if (applet !== "busybox") symlinkSync("busybox", join(root, "bin", applet));
  writeFileSync(join(root, "etc/passwd"), "root:x:0:0:root:/root:/bin/sh\nuser:x:1000:1000:user:/home/user:/bin/sh\n");
  writeFileSync(join(root, "etc/group"), "root:x:0:\nuser:x:1000:\nextra:x:2000:user\n");
  chmodSync(join(root, "tmp"), 0o1777);
}

function withRootfs<T>(body: (root: string) => T): T {
  const root = mkdtempSync(join(tmpdir(), "keelson-rootfs-"));
  try {
    makeRootfs(root);
    return body(root);
  } finally {
    rmSync(root, { recursive: true, force: true });
  }
}
