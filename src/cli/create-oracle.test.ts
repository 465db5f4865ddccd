import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, test } from "node:test";
import { pruned, words } from "./test/compare.ts";
import { engine } from "./test/fixtures.ts";
import { type Outcome, runDocker, runKeelson, whyNoDocker } from "./test/run-clients.ts";

/* The flags of create: both command lines ask the same of the engine, or refuse in the same words. */

const skip = whyNoDocker();
process.env["TZ"] = "UTC";
const folder = mkdtempSync(join(tmpdir(), "keelson-create-"));
after(() => rmSync(folder, { recursive: true }));
const file = (name: string, text: string): string => {
  writeFileSync(join(folder, name), text);
  return join(folder, name);
};
process.env["KEELSON_TEST_SET"] = "from the environment";
const good = file("good.env", "A=1\n#c\n\n  B=2\nKEELSON_TEST_SET\nKEELSON_TEST_UNSET\nC=x y # z\n");
const noName = file("noname.env", "=x\n");
const spaces = file("spaces.env", "A B=1\n");
const labels = file("labels", "a=1\nb\n#c\n");
const seccomp = file("seccomp.json", '{\n  "defaultAction": "SCMP_ACT_ALLOW"\n}\n');
const notJson = file("notjson", "Usage\n");

const lines: readonly string[] = [
  "", "-it", "-i", "-t", "-a stdout", "-a stdin", "-a stdin -a STDERR", "-a foo", "-i -a stdout", "--name n", "-h host", "--domainname d", "-u 1:2", "-w /x", "-w rel", "--rm", "--rm=false", "--init", "--init=false", "--init=x", "--privileged", "--read-only", "-P",
  "-p 80", "-p 8080:80", "-p8080:80", "-p 127.0.0.1:8080:80", "-p 127.0.0.1::80", "-p [::1]:80:80", "-p ::1:80:80", "-p 8000-8002:80-82", "-p 8000-8002:80", "-p 80-82", "-p 8080:80/udp", "-p 80/TCP", "-p 80:80/sctp", "-p 8080:80 -p 8081:80 -p 80/udp", "-p 0:80", "-p :80", "-p 8080:0", "-p published=8080,target=80,protocol=udp", "-p published=8080,target=80",
  "-p 8080:80/foo", "-p a:80", "-p 8080:a", "-p 1.2.3:80:80", "-p 99999:80", "-p 8080:99999", "-p 8000-8002:80-81", "-p localhost:80:80", "-p 80:80:80:80", "-p ''", "-p 8002-8000:80", "-p 80:", "-p a=b,c", "-p [::1:80:80", "-p 80/", "-p -1:80",
  "--expose 90", "--expose 90-92", "--expose 90/udp", "--expose 90-91/udp", "--expose a", "--expose 8080:90", "--expose 99-90", "--expose ''", "--expose 80/foo",
  "-v /a", "-v aa:/b", "-v /tmp:/b:ro", "-v ./x:/b", "-v ../x:/b", "-v .:/b", "-v aa:/d:nocopy -v /anon -v bb:/c", "-v a/b:/c", "-v :/b", "-v ''", "-v aa:", "-v aa:bb:cc:dd", "-v /tmp:/", "--volumes-from x:ro", "--volume-driver d", "--tmpfs /x", "--tmpfs /x:size=1m,mode=700 --tmpfs /y",
  "--mount type=bind,src=/tmp,dst=/x", "--mount type=volume,dst=/x", "--mount type=bind,dst=/x", "--mount type=volume,src=a,dst=/x,volume-nocopy,readonly", "--mount type=tmpfs,dst=/x,tmpfs-size=1m,tmpfs-mode=700", "--mount type=tmpfs,dst=/x,foo=bar", "--mount dst", "--mount type=volume,src=v,target=/x,volume-driver=local,volume-opt=a=b,volume-opt=c=d,volume-label=x=y,volume-label=z",
  "--mount type=bind,source=/tmp,destination=/x,bind-propagation=RSHARED", "--mount type=bind,src=/tmp,dst=/x,volume-nocopy", "--mount type=bind,src=.,dst=/x", "--mount type=bind,src=./a,dst=/x", "--mount type=bind,src=/tmp,dst=/x,ro=maybe", "--mount type=bind,src=/tmp,dst=/x,ro=0", "--mount type=image,src=busybox,dst=/x,image-subpath=/etc", "--mount type=bind,src=/tmp,dst=/x,bind-recursive=disabled", "--mount type=bind,src=/tmp,dst=/x,bind-recursive=readonly", "--mount type=bind,src=/tmp,dst=/x,bind-recursive=readonly,ro", "--mount type=bind,src=/tmp,dst=/x,bind-recursive=readonly,ro,bind-propagation=rprivate", "--mount type=bind,src=/tmp,dst=/x,bind-recursive=writable,ro", "--mount type=bind,src=/tmp,dst=/x,bind-recursive=writable", "--mount type=bind,src=/tmp,dst=/x,bind-recursive=x", "--mount type=volume,src=v,dst=/x,volume-subpath=a", "--mount src=/tmp", "--mount type=tmpfs,dst=/x,tmpfs-mode=9z", "--mount type=tmpfs,dst=/x,tmpfs-size=z", "--mount type=tmpfs,dst=/x,bind-propagation=shared", "--mount type=bind,src=/tmp,dst=/x,bind-nonrecursive", "--mount type=bind,src=/tmp,dst=/x,tmpfs-size=1", "--mount type=bind,src=/tmp,dst=/x,bind-create-src", "--mount ''", "--mount type=,dst=/x", "--mount Type=BIND,Src=/tmp,Dst=/x,Consistency=Cached", "--mount type=bind,\"src=/a,b\",dst=/x", "--mount type=bind,src=\"a,dst=/x", "--mount type=nope,dst=/x",
  "-e A=b -e C= -e KEELSON_TEST_SET -e KEELSON_TEST_UNSET", "-e =x", "-e ''", `--env-file ${good} -e A=2`, `--env-file ${noName}`, `--env-file ${spaces}`, "--env-file /nonexistent/x", "-l a -l b=c=d", "-l =x", "-l ''", `--label-file ${labels} -l a=2`, "--label-file /nonexistent/x", "--annotation a=b --annotation c=d",
  "-m 512m", "-m 1g", "-m 1.5g", "-m 10", "-m 512MB", "-m 1GiB", "-m '5 k'", "-m -1", "-m x", "-m 5x", "-m 1.5.2", "-m ''", "--memory-swap -1", "--memory-swap 1g", "--memory-swap -2", "--memory-reservation 1g", "--memory-swappiness 0", "--memory-swappiness 60", "--memory-swappiness 101", "--shm-size 64m", "--shm-size x", "--cpus 0.5", "--cpus 1.25", "--cpus 1/4", "--cpus 1e-3", "--cpus x", "--cpus 1.1234567891", "--cpus 2", "-c 512", "--cpu-period 1 --cpu-quota 2 --cpu-rt-period 3 --cpu-rt-runtime 4", "--cpuset-cpus 0-1 --cpuset-mems 0", "--pids-limit 10", "--pids-limit -1", "--pids-limit x", "--oom-kill-disable", "--oom-score-adj 5", "--oom-score-adj -5", "--blkio-weight 500", "--blkio-weight 70000", "--blkio-weight-device /dev/null:500", "--blkio-weight-device x", "--blkio-weight-device /dev/null:5", "--blkio-weight-device /x:500", "--device-read-bps /dev/null:1mb --device-write-bps /dev/zero:5", "--device-read-bps /dev/null:x", "--device-read-iops /dev/null:10 --device-write-iops /dev/null:3", "--device-read-iops /dev/null:x", "--device-read-iops x", "--cgroup-parent /x", "--kernel-memory 1g",
  "--ulimit nofile=1:2", "--ulimit nofile=5 --ulimit nproc=3", "--ulimit nofile=-1", "--ulimit nofile=-1:-1", "--ulimit nofile=5:-1", "--ulimit nofile", "--ulimit foo=1", "--ulimit nofile=2:1", "--ulimit nofile=x", "--ulimit nofile=1:2:3", "--ulimit nofile=",
  "--device /dev/null", "--device /dev/null:/x", "--device /dev/null:/x:r", "--device /dev/null:rw", "--device /dev/null:/x:q", "--device a", "--device ''", "--device-cgroup-rule 'c 1:3 mr'", "--device-cgroup-rule x", "--gpus all", "--gpus 2", "--gpus 2,driver=x", "--gpus x", "--gpus '\"device=1,2\",capabilities=utility'", "--gpus device=0", "--gpus count=1,count=2", "--gpus foo=1",
  "--restart always", "--restart on-failure", "--restart on-failure:3", "--restart on-failure:x", "--restart :3", "--restart unless-stopped", "--restart ''", "--restart foo", "--rm --restart always", "--rm --restart no", "--stop-signal TERM", "--stop-timeout 5", "--stop-timeout -1", "--stop-timeout x",
  "--health-cmd 'a b' --health-interval 3s --health-retries 3 --health-timeout 1m30s --health-start-period 1h --health-start-interval 500ms", "--health-interval 5s", "--no-healthcheck", "--no-healthcheck=false", "--health-cmd x --no-healthcheck", "--no-healthcheck --health-interval 1s", "--health-interval 1x", "--health-interval 1", "--health-interval ''", "--health-interval -1s", "--health-timeout -1s", "--health-retries -1", "--health-start-period -1s", "--health-interval 1.5h2m",
  "--log-driver none", "--log-driver json-file --log-opt max-size=10m --log-opt max-file=3", "--log-opt a", "--log-driver none --log-opt a=b", "--security-opt seccomp=unconfined", "--security-opt seccomp=builtin", `--security-opt seccomp=${seccomp}`, `--security-opt seccomp:${seccomp}`, "--security-opt seccomp=/nonexistent/x", "--security-opt no-new-privileges", "--security-opt no-new-privileges:true", "--security-opt label=disable --security-opt apparmor=unconfined", "--security-opt foo", "--security-opt systempaths=unconfined", "--security-opt systempaths=unconfined --security-opt no-new-privileges=true",
  "--cap-add NET_ADMIN --cap-add all --cap-drop MKNOD", "--group-add 5 --group-add x", "--ipc host", "--ipc shareable", "--pid host", "--pid container:x", "--pid x", "--uts host", "--uts x", "--userns host", "--userns x", "--cgroupns private", "--cgroupns x", "--runtime r", "--isolation default", "--sysctl a.b=c", "--sysctl a", "--storage-opt size=1g", "--storage-opt a", "--platform linux/amd64",
  "--dns 1.1.1.1 --dns 2001::1", "--dns x", "--dns-search a.b --dns-search .", "--dns-search a_b..c", "--dns-search ''", "--dns-option ndots:1", "--dns-opt x", "--add-host a:1.2.3.4 --add-host b=1.2.3.5", "--add-host a:::1", "--add-host a:[::1]", "--add-host a:host-gateway", "--add-host a", "--add-host a:nope", "--add-host =1.2.3.4", "--link a", "--link a:b", "--link a:b:c", "--link ''",
  "--network host", "--network none", "--network bridge", "--network foo", "--net foo", "--network container:x", "--network foo --network-alias a --network-alias b --ip 1.2.3.4 --ip6 ::1 --link x:y --mac-address 02:00:00:00:00:01 --link-local-ip 169.254.1.1", "--network name=foo,ip=1.2.3.4,alias=a,alias=b,mac-address=02:00:00:00:00:01,driver-opt=a=b,gw-priority=3,ip6=::2,link-local-ip=169.254.1.2 --network bar", "--network host --network-alias x", "--network name=bridge,alias=a", "--network foo=bar", "--network alias=a", "--network name=foo,gw-priority=x", "--network name=foo,driver-opt=a", "--network name=foo,mac-address=x", "--network a --network a", "--network a --network b --ip 1.2.3.4", "--network name=a,ip=1.2.3.4 --ip 1.2.3.5", "--network name=a,alias=b --network-alias c", "--network name=a,mac-address=02:00:00:00:00:01 --mac-address 02:00:00:00:00:02", "--ip 1.2.3.4", "--mac-address 02:00:00:00:00:01", "--mac-address x", "--network-alias a", "--network container:x --network foo", "--network host --network foo", "--network foo --link a",
  "--entrypoint ''", "--entrypoint 'sh -c'", "--entrypoint=", "--pull foo", "--pull never", "--disable-content-trust=false", "--detach-keys x", "-d", "--sig-proxy", "-q", "--cpu-count 1 --cpu-percent 5 --io-maxbandwidth 5 --io-maxiops 3", "--io-maxiops -1",
];

const images: readonly string[] = ["x:1 a -b --rm c", "-- x a", "localhost:5000/x/y:1", `x@sha256:${"a".repeat(64)}`, "x@sha256:12", "UP/x", "x:", "docker.io/library/x", "-e"];

describe("create: as Docker's client", { skip, concurrency: 4 }, () => {
  for (const line of lines) test(line || "no flags", () => compare(["create", ...words(line), "x"]));
  for (const line of images) test(line, () => compare(["create", ...words(line)]));
});

async function compare(args: readonly string[]): Promise<void> {
  const [docker, keelson] = await Promise.all([runDocker(args, engine), runKeelson(args, engine)]);
  assert.deepEqual(asked(keelson), asked(docker));
  assert.equal(keelson.stderr.replaceAll("keelson", "docker"), docker.stderr);
  assert.equal(keelson.code, docker.code);
  assert.equal(keelson.stdout, docker.stdout);
}

/** What the engine is asked for: the body without what is empty, for an empty field and none mean the same. */
function asked({ seen }: Outcome): unknown {
  return seen
    .filter(({ line }) => line === "POST /containers/create")
    .map(({ query, body }) => [[...query].filter(([, value]) => value !== ""), pruned(body)]);
}
