/**
 * A program: a v2 registry on port 5000 with one image, `slow:latest`, whose one layer stops half-way for ever. Prints
 * `ready`, and `half` whenever a client has got that far.
 */
import { createHash, randomBytes } from "node:crypto";
import { createServer } from "node:http";

const sha256 = (bytes: Buffer): string => `sha256:${createHash("sha256").update(bytes).digest("hex")}`;
const layer = randomBytes(4 << 20);
const architecture = process.arch === "arm64" ? "arm64" : "amd64";
const config = Buffer.from(
  JSON.stringify({ architecture, os: "linux", config: {}, rootfs: { type: "layers", diff_ids: [sha256(layer)] } }),
);
const type = "application/vnd.oci.image.manifest.v1+json";
const describe = (mediaType: string, bytes: Buffer): object => ({
  mediaType,
  digest: sha256(bytes),
  size: bytes.length,
});
const manifest = Buffer.from(
  JSON.stringify({
    schemaVersion: 2,
    mediaType: type,
    config: describe("application/vnd.oci.image.config.v1+json", config),
    layers: [describe("application/vnd.oci.image.layer.v1.tar", layer)],
  }),
);

createServer((request, response) => {
  const last = decodeURIComponent(request.url!.split("/").at(-1)!);
  if (last === "") return void response.end("{}");
  if (last === sha256(config)) return void response.end(config);
  if (last === sha256(layer)) {
    response.writeHead(200, { "Content-Length": layer.length });
    response.write(layer.subarray(0, layer.length / 2), () => process.stdout.write("half\n"));
    return;
  }
  const head = { "Content-Type": type, "Content-Length": manifest.length, "Docker-Content-Digest": sha256(manifest) };
  response.writeHead(200, head).end(request.method === "HEAD" ? undefined : manifest);
}).listen(5000, "127.0.0.1", () => process.stdout.write("ready\n"));
