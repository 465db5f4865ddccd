/**
 * A real image with a real server: Debian from debootstrap, nginx from apt-get inside a running container, its page through
 * a published port. Needs Debian's packages, so it is not part of `npm test`: `npm run test:real`.
 */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { TestHost } from "../host.ts";
import { poll } from "../poll.ts";

const link = "klt-up0";
const table = "keelson_test_uplink";
let host: TestHost;
let dir = "";
const forwarding = readFileSync("/proc/sys/net/ipv4/ip_forward", "utf8").trim();

before(async () => {
  dir = await mkdtemp(join(tmpdir(), "keelson-debian-"));
  host = await TestHost.make();
  await uplink();
  await host.start();
});
after(async () => {
  await host?.[Symbol.asyncDispose]();
  for (const command of [`ip link del ${link}`, `nft delete table ip ${table}`]) quiet(command);
  quiet(`echo ${forwarding} > /proc/sys/net/ipv4/ip_forward`);
  await rm(dir, { recursive: true, force: true });
});

const sh = (command: string): string => execFileSync("sh", ["-c", command], { encoding: "utf8", maxBuffer: 1 << 28 });
const quiet = (command: string): void => void execFileSync("sh", ["-c", `${command} 2>/dev/null || true`]);

/** The host reaches the outside through this machine, as a host in a data centre through its router. */
async function uplink(): Promise<void> {
  const pid = host.holder.pid;
  sh(
    `ip link add ${link} type veth peer name up0 netns ${pid} && ip addr add 10.234.0.1/30 dev ${link} && ip link set ${link} up
     nsenter -t ${pid} -n sh -c 'ip addr add 10.234.0.2/30 dev up0 && ip link set up0 up && ip route add default via 10.234.0.1'
     echo 1 > /proc/sys/net/ipv4/ip_forward
     nft 'table ip ${table} { chain post { type nat hook postrouting priority 100; ip saddr 10.234.0.0/30 masquerade; }; }'`,
  );
}

/** What apt on this machine is set up with: its sources, keys, settings and certificates, read-only in the container. */
function aptMounts(): string[] {
  const paths = [
    "/etc/apt/sources.list.d",
    "/etc/apt/apt.conf.d",
    "/usr/share/keyrings",
    "/etc/ssl/certs",
    "/etc/apt/sources.list",
  ];
  return paths.filter((path) => existsSync(path)).flatMap((path) => ["-v", `${path}:${path}:ro`]);
}

async function docker(...args: string[]): Promise<string> {
  const out = await host.docker(args, { timeout: 600_000 });
  assert.equal(out.code, 0, `docker ${args.join(" ")}: ${out.stdout.slice(-2000)}${out.stderr.slice(-2000)}`);
  return out.stdout;
}

test("a Debian container installs nginx with apt-get and serves its page", { timeout: 900_000 }, async () => {
  const root = join(dir, "root");
  mkdirSync(root);
  const codename = /VERSION_CODENAME=(\w+)/.exec(sh("cat /etc/os-release"))![1]!;
  const mirror = sh(
    "sed -n 's/^URIs: *//p; s/^deb \\(\\[[^]]*\\] \\)\\{0,1\\}\\([^ ]*\\) .*/\\2/p' /etc/apt/sources.list.d/* /etc/apt/sources.list 2>/dev/null | head -n 1",
  ).trim();
  sh(
    `debootstrap --variant=minbase ${codename} ${root} ${mirror} >/dev/null && tar -C ${root} -cf ${dir}/debian.tar . && rm -rf ${root}`,
  );
  assert.ok(readdirSync(dir).includes("debian.tar"));
  const imported = await host.docker(["import", `${dir}/debian.tar`, "debian:real"], { timeout: 300_000 });
  assert.equal(imported.code, 0, imported.stderr);

  await docker("run", "-d", "--name", "web", "-p", "18088:80", ...aptMounts(), "debian:real", "sleep", "infinity");
  await docker(
    "exec",
    "-e",
    "DEBIAN_FRONTEND=noninteractive",
    "web",
    "sh",
    "-c",
    "apt-get update -qq && apt-get install -y -qq --no-install-recommends nginx-light",
  );
  await docker("exec", "-d", "web", "nginx", "-g", "daemon off;");
  const page = await poll("nginx serves its page", async () => {
    const out = await host.exec("curl", ["-fsS", "http://127.0.0.1:18088/"]);
    return out.code === 0 && out.stdout;
  });
  assert.match(page, /Welcome to nginx/);
  assert.match(await fetchFrom("10.234.0.2", 18088), /Welcome to nginx/);
  await docker("rm", "-f", "web");
});

/** From outside of the host. */
function fetchFrom(address: string, port: number): Promise<string> {
  return new Promise((resolve, reject) => {
    request({ host: address, port, agent: false }, (response) => {
      const chunks: Buffer[] = [];
      response.on("data", (chunk: Buffer) => chunks.push(chunk));
      response.on("end", () => resolve(Buffer.concat(chunks).toString()));
    })
      .on("error", reject)
      .end();
  });
}
