import assert from "node:assert/strict";
import { test } from "node:test";
import { isKind } from "../../base/errors.ts";
import type { ImageRunConfig } from "../../oci/image.ts";
import { applyChanges } from "./apply.ts";

/** Instructions, and what Docker 28 makes of them. */
const applied: ReadonlyArray<readonly [string | string[], ImageRunConfig]> = [
  ["CMD echo hi", { Cmd: ["/bin/sh", "-c", "echo hi"] }],
  ["CMD   echo   hi  there  ", { Cmd: ["/bin/sh", "-c", "echo   hi  there"] }],
  ['CMD ["a","b"]', { Cmd: ["a", "b"] }],
  ["CMD [a", { Cmd: ["/bin/sh", "-c", "[a"] }],
  ["CMD", { Cmd: ["/bin/sh", "-c"] }],
  ["CMD []", { Cmd: null }],
  ["cmd a", { Cmd: ["/bin/sh", "-c", "a"] }],
  ["ENTRYPOINT", { Entrypoint: null }],
  ["ENTRYPOINT []", { Entrypoint: null }],
  ["ENTRYPOINT exec top -b", { Entrypoint: ["/bin/sh", "-c", "exec top -b"] }],
  [['ENTRYPOINT ["a"]', 'CMD ["b"]'], { Entrypoint: ["a"], Cmd: ["b"] }],
  [['CMD ["b"]', 'ENTRYPOINT ["a"]'], { Entrypoint: ["a"], Cmd: ["b"] }],
  ["ENV a=b c=d", { Env: ["a=b", "c=d"] }],
  ["ENV a b c", { Env: ["a=b c"] }],
  ['ENV a=$b c="x $a"', { Env: ["a=", "c=x "] }],
  ["ENV a=b\\ c d='e $f'", { Env: ["a=b c", "d=e $f"] }],
  ["ENV a.b=c", { Env: ["a.b=c"] }],
  [["ENV A=1", "ENV B=$A C=${A}2 D=${X:-d} E=${A:+e} A=3"], { Env: ["A=3", "B=1", "C=12", "D=d", "E=e"] }],
  ["ENV a=b \\\n  c=d", { Env: ["a=b", "c=d"] }],
  [["# a comment", "ENV a=b"], { Env: ["a=b"] }],
  [
    "EXPOSE 80 443/tcp 100-102/udp",
    { ExposedPorts: { "80/tcp": {}, "443/tcp": {}, "100/udp": {}, "101/udp": {}, "102/udp": {} } },
  ],
  ["EXPOSE 80 80/tcp", { ExposedPorts: { "80/tcp": {} } }],
  ["EXPOSE 127.0.0.1:80:80", { ExposedPorts: { "80/tcp": {} } }],
  [["ENV P=81", "EXPOSE $P/sctp"], { Env: ["P=81"], ExposedPorts: { "81/sctp": {} } }],
  ['LABEL a=b "c d"="e f"', { Labels: { a: "b", "c d": "e f" } }],
  ["LABEL a b", { Labels: { a: "b" } }],
  ["LABEL x=$PATH", { Labels: { x: "" } }],
  ["LABEL __proto__=x", { Labels: Object.fromEntries([["__proto__", "x"]]) }],
  ["USER x y", { User: "x y" }],
  ["USER  a:b ", { User: "a:b" }],
  ["VOLUME /a /b", { Volumes: { "/a": {}, "/b": {} } }],
  ['VOLUME ["/a b"]', { Volumes: { "/a b": {} } }],
  ["WORKDIR x", { WorkingDir: "/x" }],
  ["WORKDIR /a/../b/", { WorkingDir: "/b" }],
  [["WORKDIR /a", "WORKDIR b"], { WorkingDir: "/a/b" }],
  ["STOPSIGNAL SIGTERM", { StopSignal: "SIGTERM" }],
  ["STOPSIGNAL 9", { StopSignal: "9" }],
  ["STOPSIGNAL RTMIN+3", { StopSignal: "RTMIN+3" }],
  ["HEALTHCHECK NONE", { Healthcheck: { Test: ["NONE"] } }],
  ["HEALTHCHECK CMD x y", { Healthcheck: { Test: ["CMD-SHELL", "x y"] } }],
  ["HEALTHCHECK --retries=0 CMD y", { Healthcheck: { Test: ["CMD-SHELL", "y"] } }],
  [
    'HEALTHCHECK --interval=5s --timeout=1m30s --retries=3 --start-period=1s CMD ["x"]',
    {
      Healthcheck: {
        Test: ["CMD", "x"],
        Interval: 5_000_000_000,
        Timeout: 90_000_000_000,
        StartPeriod: 1_000_000_000,
        Retries: 3,
      },
    },
  ],
  ["ONBUILD RUN x", { OnBuild: ["RUN x"] }],
];

/** Instructions, and Docker 28's complaint. */
const refused: ReadonlyArray<readonly [string, string]> = [
  ["", "file with no instructions"],
  ["# c", "file with no instructions"],
  ["FOO x", "FOO is not a valid change command"],
  ["RUN x", "RUN is not a valid change command"],
  ["FROM x", "FROM is not a valid change command"],
  ["COPY a b", "COPY is not a valid change command"],
  ['SHELL ["a"]', "SHELL is not a valid change command"],
  ["constructor x", "constructor is not a valid change command"],
  ['CMD ["a", 1]', "when using JSON array syntax, arrays must be comprised of strings only"],
  ["ENV a", "ENV must have two arguments"],
  ["ENV", "ENV requires at least one argument"],
  ["ENV =x", "ENV names can not be blank"],
  ["ENV --x=1 a=b", "unknown flag: --x"],
  ['ENV a=b "c', `Syntax error - can't find = in "\\"c". Must be of the form: name=value`],
  ['ENV a="x', 'failed to process "\\"x": unexpected end of statement while looking for matching double-quote'],
  ["EXPOSE foo", "Invalid containerPort: foo"],
  ["EXPOSE 80/xyz", "Invalid proto: xyz"],
  ["EXPOSE 70000", "Invalid containerPort: 70000"],
  ["EXPOSE 90-80", "Invalid containerPort: 90-80"],
  ["EXPOSE", "EXPOSE requires at least one argument"],
  ["LABEL a", "LABEL must have two arguments"],
  ["USER", "USER requires exactly one argument"],
  ["VOLUME", "VOLUME requires at least one argument"],
  ['VOLUME [""]', "VOLUME specified can not be an empty string"],
  ["WORKDIR", "WORKDIR requires exactly one argument"],
  ["STOPSIGNAL SIGFOO", "invalid signal: SIGFOO"],
  ["STOPSIGNAL a b", "invalid signal: a b"],
  ["HEALTHCHECK", "HEALTHCHECK requires at least one argument"],
  ["HEALTHCHECK FOO", 'Unknown type "FOO" in HEALTHCHECK (try CMD)'],
  ["HEALTHCHECK CMD", "Missing command after HEALTHCHECK CMD"],
  ["HEALTHCHECK NONE x", "HEALTHCHECK NONE takes no arguments"],
  ["HEALTHCHECK --bla=1 CMD x", "unknown flag: --bla"],
  ["HEALTHCHECK --interval=x CMD y", 'time: invalid duration "x"'],
  ["HEALTHCHECK --interval=1us CMD x", 'Interval "interval" cannot be less than 1ms'],
  ["ONBUILD", "ONBUILD requires at least one argument"],
  ["ONBUILD FROM x", "FROM isn't allowed as an ONBUILD trigger"],
  ["ONBUILD ONBUILD RUN", "Chaining ONBUILD via `ONBUILD ONBUILD` isn't allowed"],
];

test("changes make the config that Docker makes", () => {
  for (const [changes, config] of applied) {
    assert.deepEqual(applyChanges({}, typeof changes === "string" ? [changes] : changes), config, String(changes));
  }
});

test("bad changes are refused in Docker's words", () => {
  for (const [change, message] of refused) {
    assert.throws(
      () => applyChanges({}, [change]),
      (error: unknown) => {
        assert.ok(isKind(error, "invalid"), change);
        assert.equal(error.message, message);
        return true;
      },
    );
  }
});

test("changes add to the config that is there", () => {
  const config = { Env: ["A=1", "B=2"], Labels: { x: "y" }, WorkingDir: "/srv", Cmd: ["old"] };
  assert.deepEqual(applyChanges(config, ["ENV B=3 C=$A", "LABEL z=1", "WORKDIR www", "ENTRYPOINT run"]), {
    Env: ["A=1", "B=3", "C=1"],
    Labels: { x: "y", z: "1" },
    WorkingDir: "/srv/www",
    Entrypoint: ["/bin/sh", "-c", "run"],
  });
  assert.equal(applyChanges(config, []), config);
});
