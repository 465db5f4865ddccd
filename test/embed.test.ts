import assert from "node:assert/strict";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { TestHost } from "./host.ts";

let host: TestHost;
before(async () => {
  host = await TestHost.make();
});
after(() => host?.[Symbol.asyncDispose]());

test("the embedding example runs as it is written", async () => {
  const example = join(import.meta.dirname, "../examples/embed.ts");
  const roots = [join(host.dir, "data"), join(host.dir, "run")];
  for (const attempt of ["first", "second"]) {
    const out = await host.exec(process.execPath, ["--disable-warning=ExperimentalWarning", example, ...roots]);
    assert.equal(out.code, 0, `${attempt}: ${out.stderr}`);
    assert.equal(
      out.stdout.split("\n").toSorted().join("\n"),
      ["", "hello from a container", "exit code 3", "WRITTEN FROM NODE", "squares 1 4 9 16"].toSorted().join("\n"),
    );
    assert.equal(out.stderr, "and a warning\n");
  }
});

test("a second engine on the same data root is refused", async () => {
  await host.start();
  const second = await host.exec(
    join(import.meta.dirname, "../bin/keelson"),
    [
      "daemon",
      "-H",
      `unix://${host.dir}/second.sock`,
      "--data-root",
      join(host.dir, "data"),
      "--exec-root",
      join(host.dir, "run2"),
    ],
    { timeout: 20_000 },
  );
  assert.equal(second.code, 1);
  assert.match(second.stderr, /another engine is using the data root/);
});
