import { execFileSync } from "node:child_process";
import { createHash, randomBytes } from "node:crypto";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** A docker-archive of one image with one layer of `files` incompressible files, each of `bytes` bytes. */
export function dockerArchive(reference: string, files = 4, bytes = 1 << 20): Buffer {
  const dir = mkdtempSync(join(tmpdir(), "keelson-archive-"));
  try {
    mkdirSync(join(dir, "layer"));
    for (let index = 0; index < files; index++) writeFileSync(join(dir, `layer/file${index}`), randomBytes(bytes));
    const layer = execFileSync("tar", ["-C", join(dir, "layer"), "-c", "."], { maxBuffer: 1 << 30 });
    const config = JSON.stringify({
      architecture: process.arch === "arm64" ? "arm64" : "amd64",
      os: "linux",
      config: { Cmd: ["/file0"] },
      rootfs: { type: "layers", diff_ids: [`sha256:${createHash("sha256").update(layer).digest("hex")}`] },
      history: [{ created_by: "test" }],
    });
    const name = `${createHash("sha256").update(config).digest("hex")}.json`;
    rmSync(join(dir, "layer"), { recursive: true });
    writeFileSync(join(dir, "layer.tar"), layer);
    writeFileSync(join(dir, name), config);
    writeFileSync(
      join(dir, "manifest.json"),
      JSON.stringify([{ Config: name, RepoTags: [reference], Layers: ["layer.tar"] }]),
    );
    return execFileSync("tar", ["-C", dir, "-c", name, "layer.tar", "manifest.json"], { maxBuffer: 1 << 30 });
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}
