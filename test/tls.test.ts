import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { type Output, TestHost } from "./host.ts";

const port = 23760;
let host: TestHost;
const at = (name: string): string => join(host.dir, "pki", name);

before(async () => {
  host = await TestHost.make();
  mkdirSync(join(host.dir, "pki"));
  authority("ca");
  authority("other");
  certificate("server", "ca", "subjectAltName=IP:127.0.0.1");
  certificate("client", "ca", "extendedKeyUsage=clientAuth");
  certificate("stranger", "other", "extendedKeyUsage=clientAuth");
  await host.start([
    ...["-H", `tcp://127.0.0.1:${port}`, "--tlsverify"],
    ...["--tlscacert", at("ca.pem"), "--tlscert", at("server.pem"), "--tlskey", at("server-key.pem")],
  ]);
});
after(() => host?.[Symbol.asyncDispose]());

function openssl(...args: string[]): void {
  execFileSync("openssl", args, { stdio: ["ignore", "ignore", "pipe"] });
}

function authority(name: string): void {
  const subject = ["-subj", `/CN=${name}`, "-days", "2", "-nodes"];
  openssl(
    "req",
    "-x509",
    "-newkey",
    "rsa:2048",
    "-keyout",
    at(`${name}-key.pem`),
    "-out",
    at(`${name}.pem`),
    ...subject,
  );
}

function certificate(name: string, ca: string, extension: string): void {
  const request = [
    "-keyout",
    at(`${name}-key.pem`),
    "-out",
    at(`${name}.csr`),
    "-subj",
    `/CN=${name}`,
    "-addext",
    extension,
  ];
  openssl("req", "-newkey", "rsa:2048", "-nodes", ...request);
  const issuer = ["-CA", at(`${ca}.pem`), "-CAkey", at(`${ca}-key.pem`), "-CAcreateserial", "-days", "2"];
  openssl("x509", "-req", "-in", at(`${name}.csr`), ...issuer, "-copy_extensions", "copy", "-out", at(`${name}.pem`));
}

/** A client inside the host, where the port is. */
function over(client: string, args: string[], { name = "client", verify = true } = {}): Promise<Output> {
  const files = ["--tlscacert", at("ca.pem"), "--tlscert", at(`${name}.pem`), "--tlskey", at(`${name}-key.pem`)];
  const tls = verify ? ["--tlsverify", ...files] : [];
  return host.exec(client, ["-H", `tcp://127.0.0.1:${port}`, ...tls, ...args], { timeout: 30_000 });
}

for (const client of ["docker", join(import.meta.dirname, "../bin/keelson")]) {
  test(`${client.split("/").at(-1)} speaks to the daemon over TLS, streams and all`, async () => {
    assert.match((await over(client, ["version"])).stdout, /Server/);
    const out = await over(client, ["run", "--rm", "keelson/base", "sh", "-c", "echo over tls; exit 5"]);
    assert.deepEqual([out.stdout, out.code], ["over tls\n", 5], out.stderr);
  });

  test(`${client.split("/").at(-1)} is refused without a certificate, and with a stranger's`, async () => {
    const plain = await over(client, ["version"], { verify: false });
    assert.notEqual(plain.code, 0);
    const stranger = await over(client, ["version"], { name: "stranger" });
    assert.notEqual(stranger.code, 0);
    assert.doesNotMatch(stranger.stdout, /Server/);
  });
}
