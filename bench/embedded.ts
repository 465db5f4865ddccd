/** Runs inside a test host: `engine.run()` and a bare `crun run` of a like bundle, in turn. Prints the figures as JSON. */
import { execFile, execFileSync } from "node:child_process";
import { createReadStream, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { Engine, Operation } from "../src/index.ts";
import { makeRootfs } from "../test/busybox.ts";
import { alternate, type Pair } from "./measure.ts";

const [dir = "", tar = "", runs = "20"] = process.argv.slice(2);
const execute = promisify(execFile);

const bundle = join(dir, "bundle");
mkdirSync(join(bundle, "rootfs"), { recursive: true });
makeRootfs(join(bundle, "rootfs"));
// crun refuses a v2 tree beside v1 hierarchies.
execFileSync("sh", ["-c", "mountpoint -q /sys/fs/cgroup/unified && umount /sys/fs/cgroup/unified || true"]);
execFileSync("crun", ["spec", "-b", bundle]);
const spec = JSON.parse(execFileSync("cat", [join(bundle, "config.json")], { encoding: "utf8" }));
spec.process.args = ["true"];
spec.process.terminal = false;
writeFileSync(join(bundle, "config.json"), JSON.stringify(spec));

await using engine = await Engine.open({ dataRoot: join(dir, "data"), execRoot: join(dir, "run") });
await engine.images.import(Operation.background("import"), createReadStream(tar), { reference: "busybox:bench" });

let count = 0;
const bare = () => execute("crun", ["--root", join(dir, "crun"), "run", "-b", bundle, `bare${count++}`]);
const ours = (network: string) => async () => {
  const running = await engine.run({ image: "busybox:bench", command: ["true"], network });
  running.stdout.resume();
  running.stderr.resume();
  const { exitCode } = await running.wait();
  if (exitCode !== 0) throw new Error(`exit code ${exitCode}`);
};
const figures: Record<string, Pair> = {};
for (const network of ["bridge", "none"]) figures[network] = await alternate(Number(runs), ours(network), bare);
process.stdout.write(JSON.stringify(figures));
