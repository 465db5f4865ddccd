import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { dockerArchive } from "../archive.ts";
import { busyboxTar } from "../busybox.ts";
import { openTarget, type Target } from "./target.ts";

let target: Target;
before(async () => {
  target = await openTarget();
});
after(() => target?.[Symbol.asyncDispose]());

const docker = (...args: string[]) => target.docker(args);
const load = (archive: Buffer) => target.docker(["load"], { input: archive });

describe("images", () => {
  test("load names what it loaded; a name that moves leaves the old image without one", async () => {
    const first = await load(dockerArchive("loaded:1", 1, 1000));
    assert.deepEqual([first.stdout, first.code], ["Loaded image: loaded:1\n", 0]);
    const before = (await docker("images", "-q", "--no-trunc", "loaded:1")).stdout.trim();
    const second = await load(dockerArchive("loaded:1", 1, 1000));
    assert.match(
      second.stdout,
      new RegExp(
        `^The image loaded:1 already exists, renaming the old one with ID ${before} to empty string\nLoaded image: loaded:1\n$`,
      ),
    );
    assert.equal((await docker("images", "-q", "--no-trunc", "-f", "dangling=true")).stdout.trim(), before);
    assert.match(
      (await docker("rmi", before)).stdout,
      new RegExp(`^Deleted: ${before}\nDeleted: sha256:[0-9a-f]{64}\n$`),
    );
    assert.equal((await docker("rmi", "loaded:1")).stdout.split("\n")[0], "Untagged: loaded:1");
  });

  test("corrupt and truncated archives are refused and leave nothing", async () => {
    const archive = dockerArchive("cut:1", 1, 200_000);
    for (const broken of [archive.subarray(0, 100_000), Buffer.from("no tar at all"), Buffer.alloc(20_480, "x")]) {
      const out = await load(broken);
      assert.equal(out.code, 1, out.stdout);
      assert.notEqual(out.stderr, "");
    }
    assert.equal((await docker("images", "-aq", "cut")).stdout, "");
  });

  test("import takes changes, and says them in its config and history", async () => {
    const changes = [
      'CMD ["echo","hi"]',
      "ENV A=1 B='two words'",
      "EXPOSE 80 53/udp",
      "LABEL x=y",
      "USER user",
      "WORKDIR /tmp",
      "VOLUME /data",
    ];
    const args = ["import", "-m", "from a test", ...changes.flatMap((change) => ["-c", change]), "-", "changed:1"];
    const out = await target.docker(args, { input: busyboxTar() });
    assert.match(out.stdout, /^sha256:[0-9a-f]{64}\n$/);
    const { json } = await target.api("GET", "/v1.51/images/changed:1/json");
    assert.deepEqual(json.Config.Cmd, ["echo", "hi"]);
    assert.deepEqual(json.Config.Env, ["A=1", "B=two words"]);
    assert.deepEqual(json.Config.ExposedPorts, { "80/tcp": {}, "53/udp": {} });
    assert.deepEqual([json.Config.Labels, json.Config.User, json.Config.WorkingDir], [{ x: "y" }, "user", "/tmp"]);
    assert.deepEqual(json.Config.Volumes, { "/data": {} });
    assert.equal((await docker("history", "--format", "{{.Comment}}", "changed:1")).stdout, "from a test\n");
    assert.equal(
      (await docker("run", "--rm", "changed:1", "sh", "-c", "id -un; pwd; echo $B")).stdout,
      "user\n/tmp\ntwo words\n",
    );
    const bad = await target.docker(["import", "-c", "NOPE x", "-", "bad:1"], { input: busyboxTar() });
    assert.equal(bad.code, 1);
    assert.match(bad.stderr, /NOPE|nope/);
    await docker("rmi", "changed:1");
  });

  test("tags: many names, one image; removal by name untags, by ID asks for force", async () => {
    await target.docker(["import", "-c", "LABEL only=this", "-", "one:1"], { input: busyboxTar() });
    assert.equal((await docker("tag", "one:1", "two:2")).code, 0);
    assert.equal((await docker("tag", "one:1", "registry.local:5000/three/four:5")).code, 0);
    const id = (await docker("images", "-q", "--no-trunc", "one:1")).stdout.trim();
    assert.equal(
      (await docker("images", "--format", "{{.Repository}}:{{.Tag}}", "-f", "label=only=this")).stdout
        .trim()
        .split("\n").length,
      3,
    );
    const refused = await docker("rmi", id);
    assert.equal(refused.code, 1);
    assert.match(
      refused.stderr,
      new RegExp(
        `conflict: unable to delete ${id.slice(7, 19)} \\(must be forced\\) - image is referenced in multiple repositories`,
      ),
    );
    assert.equal((await docker("rmi", "two:2")).stdout, "Untagged: two:2\n");
    const all = await docker("rmi", "-f", id);
    assert.match(all.stdout, /Untagged: one:1\n/);
    assert.match(all.stdout, /Untagged: registry\.local:5000\/three\/four:5\n/);
    assert.match(all.stdout, new RegExp(`Deleted: ${id}\n`));
  });

  test("an image that a container uses is not removed without force, one that runs not at all", async () => {
    await target.docker(["import", "-c", 'CMD ["sleep","1000"]', "-", "used:1"], { input: busyboxTar() });
    await docker("run", "-d", "--name", "user1", "used:1");
    const running = await docker("rmi", "-f", (await docker("images", "-q", "used:1")).stdout.trim());
    assert.match(
      running.stderr,
      /conflict: unable to delete [0-9a-f]{12} \(cannot be forced\) - image is being used by running container [0-9a-f]{12}/,
    );
    await docker("kill", "user1");
    const stopped = await docker("rmi", "used:1");
    assert.match(
      stopped.stderr,
      /conflict: unable to remove repository reference "used:1" \(must force\) - container [0-9a-f]{12} is using its referenced image [0-9a-f]{12}/,
    );
    await docker("rm", "user1");
    assert.equal((await docker("rmi", "used:1")).code, 0);
  });

  test("listing: filters, digests, formats", async () => {
    await target.docker(["import", "-c", "LABEL tier=web", "-", "listed/app:1"], { input: busyboxTar() });
    await docker("tag", "listed/app:1", "listed/app:2");
    const names = async (...filters: string[]) =>
      (
        await docker("images", "--format", "{{.Repository}}:{{.Tag}}", ...filters.flatMap((filter) => ["-f", filter]))
      ).stdout
        .trim()
        .split("\n")
        .filter(Boolean)
        .sort();
    assert.deepEqual(await names("reference=listed/*"), ["listed/app:1", "listed/app:2"]);
    assert.deepEqual(await names("reference=listed/app:2"), ["listed/app:2"]);
    assert.deepEqual(await names("label=tier=web"), ["listed/app:1", "listed/app:2"]);
    assert.deepEqual(await names("before=listed/app:1"), ["busybox:latest"]);
    assert.deepEqual(await names("since=busybox"), ["listed/app:1", "listed/app:2"]);
    assert.deepEqual(await names("dangling=true"), []);
    assert.match((await docker("images", "-f", "nope=1")).stderr, /invalid filter 'nope'/);
    assert.match((await docker("images", "--digests", "listed/app:1")).stdout, /<none>/);
    await docker("rmi", "listed/app:1", "listed/app:2");
  });

  test("names that are no references, or not there", async () => {
    assert.match(
      (await docker("tag", "busybox", "UPPER")).stderr,
      // Old clients look at the name themselves, and say less.
      /invalid reference format|must be lowercase/,
    );
    assert.match((await docker("rmi", "nope")).stderr, /No such image: nope:latest/);
    assert.match((await docker("image", "inspect", "nope")).stderr, /[Nn]o such image: nope/);
    const id = (await docker("images", "-q", "--no-trunc", "busybox")).stdout.trim();
    assert.equal((await docker("image", "inspect", "-f", "{{.Id}}", id.slice(7, 15))).stdout.trim(), id);
  });
});
