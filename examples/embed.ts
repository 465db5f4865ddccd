/**
 * A container engine inside a Node program: open one, run commands in containers, stream their output, close.
 *
 *   sudo node examples/embed.ts DATA_ROOT EXEC_ROOT
 */
import { Engine } from "keelson";

const [dataRoot = "/var/lib/keelson-example", execRoot = "/run/keelson-example"] = process.argv.slice(2);

// Each engine on a machine has roots and a bridge of its own. Leaving this scope closes it; containers would run on.
await using engine = await Engine.open({ dataRoot, execRoot, bridge: "klexample0" });

// An image that needs no registry. `engine.images.pull` and `engine.images.load` bring others.
const image = await engine.base();

// A command with its output as streams.
const hello = await engine.run({
  image: image.id,
  command: ["sh", "-c", 'echo "hello from $WHERE"; echo "and a warning" >&2; exit 3'],
  env: { WHERE: "a container" },
});
hello.stdout.pipe(process.stdout);
hello.stderr.pipe(process.stderr);
console.log("exit code", (await hello.wait()).exitCode);

// A filter: what is written to its stdin comes back upper case. Without a network it starts even faster.
const filter = await engine.run({ image: image.id, command: ["tr", "a-z", "A-Z"], stdin: true, network: "none" });
filter.stdin.end("written from node\n");
for await (const chunk of filter.stdout) process.stdout.write(chunk);
await filter.wait();

// Four at once, each within limits of its own.
const jobs = [1, 2, 3, 4].map(async (n) => {
  const job = await engine.run({
    image: image.id,
    command: ["sh", "-c", `echo $((${n} * ${n}))`],
    memory: 64 << 20,
    cpus: 0.5,
  });
  let output = "";
  for await (const chunk of job.stdout) output += chunk;
  await job.wait();
  return Number(output);
});
console.log("squares", (await Promise.all(jobs)).join(" "));
