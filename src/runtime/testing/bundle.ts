import { copyFile, mkdir, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Process, RuntimeSpec } from "../../oci/runtime-spec.ts";

const busybox = "/bin/busybox";
const applets = ["sh", "true", "cat", "echo", "sleep", "seq", "dd", "head", "wc", "id", "stty", "kill", "yes", "tr"];
const capabilities = ["CAP_KILL", "CAP_CHOWN", "CAP_SETUID", "CAP_SETGID"];

/** Makes a root file system of the machine's static busybox, for bundles of tests. */
export async function makeRootfs(root: string): Promise<void> {
  for (const folder of ["bin", "proc", "dev", "tmp"]) await mkdir(join(root, folder), { recursive: true });
  await copyFile(busybox, join(root, "bin/busybox"));
  for (const applet of applets) await symlink("busybox", join(root, "bin", applet));
  await writeFile(join(root, "bin/plain"), "no program\n", { mode: 0o644 });
}

export interface TestSpec {
  readonly rootfs: string;
  readonly cgroup: string;
  readonly args: readonly string[];
  readonly terminal?: boolean;
  readonly consoleSize?: Process["consoleSize"];
  readonly uid?: number;
  /** Without a PID namespace of its own. */
  readonly hostPids?: boolean;
  /** Bytes. */
  readonly memory?: number;
}

/** A process object with as little in it as the runtimes take. */
export function testProcess(args: readonly string[], options: Partial<TestSpec> = {}): Process {
  return {
    terminal: options.terminal ?? false,
    ...(options.consoleSize === undefined ? {} : { consoleSize: options.consoleSize }),
    user: { uid: options.uid ?? 0, gid: options.uid ?? 0 },
    args,
    env: ["PATH=/bin", "TERM=xterm"],
    cwd: "/",
    capabilities: {
      bounding: capabilities,
      effective: capabilities,
      permitted: capabilities,
      inheritable: [],
      ambient: [],
    },
  };
}

/** The smallest spec that crun and runc both run. */
export function testSpec(spec: TestSpec): RuntimeSpec {
  return {
    ociVersion: "1.0.2",
    process: testProcess(spec.args, spec),
    root: { path: spec.rootfs, readonly: true },
    hostname: "test",
    mounts: [
      { destination: "/proc", type: "proc", source: "proc", options: [] },
      { destination: "/dev", type: "tmpfs", source: "tmpfs", options: ["nosuid", "mode=755"] },
      {
        destination: "/dev/pts",
        type: "devpts",
        source: "devpts",
        options: ["newinstance", "ptmxmode=0666", "mode=0620"],
      },
    ],
    linux: {
      cgroupsPath: spec.cgroup,
      namespaces: (["pid", "mount", "ipc", "uts", "network"] as const)
        .filter((type) => type !== "pid" || !spec.hostPids)
        .map((type) => ({ type })),
      resources: {
        devices: [{ allow: false, access: "rwm" }],
        ...(spec.memory === undefined ? {} : { memory: { limit: spec.memory, swap: spec.memory } }),
      },
    },
  };
}

/** Writes a bundle and returns its path. */
export async function makeBundle(path: string, spec: TestSpec): Promise<string> {
  await mkdir(path, { recursive: true });
  await writeFile(join(path, "config.json"), JSON.stringify(testSpec(spec)));
  return path;
}
