import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { notFound } from "../base/errors.ts";
import type { Mount } from "../client/endpoints/container-config.ts";
import type { MountPoint } from "./containers.ts";
import { type MountsRequest, parseBind, parseMounts } from "./mounts.ts";

const dir = mkdtempSync(join(tmpdir(), "keelson-mounts-"));
after(() => rmSync(dir, { recursive: true }));

const mountsOf = (reference: string): readonly MountPoint[] => {
  if (reference !== "donor") throw notFound(`No such container: ${reference}`);
  return [
    { type: "bind", source: "/src", destination: "/b", mode: "ro", rw: false, propagation: "rprivate" },
    {
      type: "volume",
      name: "dv",
      source: "/v/dv",
      destination: "/d",
      driver: "local",
      mode: "z",
      rw: true,
      propagation: "",
    },
  ];
};
const parse = (hostConfig: MountsRequest["hostConfig"], volumes: string[] = []): MountPoint[] =>
  parseMounts({ config: { Volumes: Object.fromEntries(volumes.map((path) => [path, {}])) }, hostConfig, mountsOf });
/** A mount on one line, as Docker's inspect would give it. */
const line = (point: MountPoint): string =>
  [
    point.type,
    point.name ?? "",
    point.source,
    point.destination,
    point.mode,
    point.rw ? "rw" : "ro",
    point.propagation,
    point.driver ?? "",
  ].join("|");

const binds: ReadonlyArray<[raw: string, expected: string]> = [
  ["/a", "volume|||/a|z|rw||local"],
  ["/src:/x", "bind||/src|/x||rw|rprivate|"],
  ["/src:/x:", "bind||/src|/x||rw|rprivate|"],
  ["/src:/x:ro,z", "bind||/src|/x|ro,z|ro|rprivate|"],
  ["/src:/y:rslave", "bind||/src|/y|rslave|rw|rslave|"],
  ["/src//a/../b/:/x/../y//z/", "bind||/src/b|/y/z||rw|rprivate|"],
  ["vol:/y", "volume|vol||/y|z|rw||local"],
  ["vol:/y:nocopy", "volume|vol||/y|nocopy|rw||local"],
  ["vol:/y:ro,nocopy", "volume|vol||/y|ro,nocopy|ro||local"],
  ["vol:/y:cached", "volume|vol||/y|cached|rw||local"],
];
for (const [raw, expected] of binds) test(`-v ${raw}`, () => assert.equal(line(parseBind(raw)), expected));

test("what a bind string says beside that", () => {
  assert.equal(parseBind("/src:/x").createSource, true);
  assert.equal(parseBind("vol:/x:nocopy").noCopy, true);
  assert.equal(parseBind("/x").anonymous, true);
  assert.equal(parseBind("vol:/x").anonymous, undefined);
  assert.equal(parseBind("vol:/x", "other").driver, "other");
});

const wrong = (raw: string, why: string): [string, string] => [raw, `invalid volume specification: '${raw}'${why}`];
const absolute = (path: string): string => `invalid mount path: '${path}' mount path must be absolute`;
const root = "invalid specification: destination can't be '/'";
const badBinds: ReadonlyArray<[raw: string, message: string]> = [
  wrong("", ""),
  wrong("/a:/b:/c:ro:x", ""),
  wrong("/a:/b:ro:x", ""),
  wrong("/a:ro", ""),
  wrong("/a:", ""),
  wrong(":/a", ""),
  wrong("a", `: invalid mount config for type "volume": ${absolute("a")}`),
  wrong("a:b", `: invalid mount config for type "volume": ${absolute("b")}`),
  wrong("/src:rel", `: invalid mount config for type "bind": ${absolute("rel")}`),
  wrong("/src:/", `: invalid mount config for type "bind": ${root}`),
  wrong("/src:/../..", `: invalid mount config for type "bind": ${root}`),
  wrong("vol:/", `: invalid mount config for type "volume": ${root}`),
  wrong("/src::", `: invalid mount config for type "bind": field Target must not be empty`),
  wrong("vol:/y:rshared", `: invalid mount config for type "volume": field BindOptions must not be specified`),
  wrong("/src:/y:nocopy", `: invalid mount config for type "bind": field VolumeOptions must not be specified`),
  ["/src:/x:foo", "invalid mode: foo"],
  ["/src:/x:ro,rw", "invalid mode: ro,rw"],
  ["/src:/x:z,Z", "invalid mode: z,Z"],
  ["/src:/x:toString", "invalid mode: toString"],
];
for (const [raw, message] of badBinds)
  test(`not -v ${raw}`, () => assert.throws(() => parse({ Binds: [raw] }), { kind: "invalid", message }));

const bind = (more: Partial<Mount> = {}): Mount => ({ Type: "bind", Source: dir, Target: "/x", ...more });
const mounts: ReadonlyArray<[mount: Mount, expected: string]> = [
  [bind(), `bind||${dir}|/x||rw|rprivate|`],
  [bind({ ReadOnly: true, BindOptions: { Propagation: "rslave" } }), `bind||${dir}|/x||ro|rslave|`],
  [bind({ Source: `${dir}/none`, BindOptions: { CreateMountpoint: true } }), `bind||${dir}/none|/x||rw|rprivate|`],
  [{ Type: "volume", Target: "/v" }, "volume|||/v|z|rw||local"],
  [{ Type: "volume", Source: "vv", Target: "/v", ReadOnly: true }, "volume|vv||/v|z|ro||local"],
  [{ Type: "tmpfs", Target: "/t/" }, "tmpfs|||/t||rw||"],
  [{ Type: "image", Source: "busybox", Target: "/i" }, "image|busybox|busybox|/i||ro|rprivate|"],
];
for (const [mount, expected] of mounts)
  test(`--mount ${JSON.stringify(mount).replace(dir, "DIR")}`, () => {
    assert.deepEqual(parse({ Mounts: [mount] }).map(line), [expected]);
  });

test("what a mount says beside that", () => {
  const one = (mount: Mount): MountPoint => parse({ Mounts: [mount] })[0]!;
  assert.equal(one(bind()).createSource, undefined);
  assert.equal(one(bind({ BindOptions: { NonRecursive: true } })).nonRecursive, true);
  const readOnly = one(bind({ ReadOnly: true, BindOptions: { ReadOnlyNonRecursive: true } }));
  assert.equal(readOnly.readOnlyNonRecursive, true);
  assert.deepEqual(
    one({ Type: "tmpfs", Target: "/t", TmpfsOptions: { SizeBytes: 1000, Mode: 0o1777, Options: [["exec"]] } }).options,
    ["mode=1777", "size=1000", "exec"],
  );
  const DriverConfig = { Name: "local", Options: { type: "tmpfs", device: "tmpfs" } };
  const volume = one({
    Type: "volume",
    Source: "vv",
    Target: "/v",
    VolumeOptions: { NoCopy: true, Subpath: "a/b", Labels: { a: "b" }, DriverConfig },
  });
  assert.deepEqual(
    [volume.noCopy, volume.subpath, volume.labels, volume.driverOptions],
    [true, "a/b", { a: "b" }, DriverConfig.Options],
  );
});

const config = (type: string, why: string): string => `invalid mount config for type "${type}": ${why}`;
const badMounts: ReadonlyArray<[mount: Mount, message: string]> = [
  [{}, config("", "field Target must not be empty")],
  [{ Target: "/x" }, config("", "mount type unknown")],
  [{ Type: "foo", Target: "/x" }, config("foo", "mount type unknown")],
  [{ Type: "cluster", Target: "/x", Source: "y" }, config("cluster", "mount type unknown")],
  [bind({ Target: "" }), config("bind", "field Target must not be empty")],
  [bind({ Source: "" }), config("bind", "field Source must not be empty")],
  [bind({ Source: "/nope2" }), config("bind", "bind source path does not exist: /nope2")],
  [bind({ Source: "rel" }), config("bind", absolute("rel"))],
  [bind({ Target: "rel" }), config("bind", absolute("rel"))],
  [bind({ Target: "/" }), config("bind", root)],
  [bind({ BindOptions: { Propagation: "foo" } }), config("bind", "invalid propagation mode: foo")],
  [bind({ VolumeOptions: {} }), 'VolumeOptions must not be specified on mount type "bind"'],
  [bind({ TmpfsOptions: {} }), 'TmpfsOptions must not be specified on mount type "bind"'],
  [
    bind({ BindOptions: { ReadOnlyNonRecursive: true } }),
    "mount options conflict: !ReadOnly && BindOptions.ReadOnlyNonRecursive",
  ],
  [
    bind({ BindOptions: { ReadOnlyForceRecursive: true } }),
    "mount options conflict: !ReadOnly && BindOptions.ReadOnlyForceRecursive",
  ],
  [
    bind({ ReadOnly: true, BindOptions: { ReadOnlyNonRecursive: true, ReadOnlyForceRecursive: true } }),
    "mount options conflict: ReadOnlyNonRecursive && BindOptions.ReadOnlyForceRecursive",
  ],
  [
    { Type: "volume", Target: "/v", ReadOnly: true },
    config("volume", "must not set ReadOnly mode when using anonymous volumes"),
  ],
  [
    { Type: "volume", Source: "vv", Target: "/v", BindOptions: {} },
    'BindOptions must not be specified on mount type "volume"',
  ],
  [
    { Type: "volume", Source: "vv", Target: "/v", VolumeOptions: { Subpath: "a/../../x" } },
    config("volume", "subpath must be a relative path within the volume"),
  ],
  [
    { Type: "volume", Target: "/v", VolumeOptions: { Subpath: "x" } },
    config("volume", "must not set Subpath when using anonymous volumes"),
  ],
  [{ Type: "tmpfs", Target: "/t", Source: "x" }, config("tmpfs", "field Source must not be specified")],
  [{ Type: "tmpfs", Target: "/t", TmpfsOptions: { Options: [["foo"]] } }, config("tmpfs", "invalid option: foo")],
  [{ Type: "tmpfs", Target: "/t", TmpfsOptions: { Options: [[]] } }, config("tmpfs", "invalid option array length")],
  [{ Type: "tmpfs", Target: "/t", TmpfsOptions: { SizeBytes: -1 } }, config("tmpfs", "invalid tmpfs size: -1")],
  [{ Type: "image", Target: "/t" }, config("image", "field Source must not be empty")],
];
for (const [mount, message] of badMounts)
  test(`not --mount ${JSON.stringify(mount).replace(dir, "DIR")}`, () =>
    assert.throws(() => parse({ Mounts: [mount] }), { kind: "invalid", message }));

test("one path twice", () => {
  const duplicate = (path: string): object => ({ kind: "invalid", message: `Duplicate mount point: ${path}` });
  assert.throws(() => parse({ Binds: ["/a:/x", "/b:/x:ro"] }), duplicate("/x"));
  assert.throws(() => parse({ Binds: ["vol:/x", "/b:/x/"] }), duplicate("/x"));
  assert.throws(() => parse({ Mounts: [bind(), bind({ Target: "/x/" })] }), duplicate("/x/"));
  assert.throws(() => parse({ Binds: ["/a:/x"], Mounts: [bind()] }), duplicate("/x"));
  assert.throws(() => parse({ Binds: ["/a:/x"], Tmpfs: { "/x": "" } }), duplicate("/x"));
  assert.equal(parse({ Mounts: [bind()], Tmpfs: { "/x": "" } }).length, 1);
});

test("tmpfs mounts are checked, and stay in the HostConfig", () => {
  assert.deepEqual(parse({ Tmpfs: { "/t": "size=1m,mode=700" } }), []);
  const bad: ReadonlyArray<[Record<string, string>, string]> = [
    [{ rel: "" }, absolute("rel")],
    [{ "": "" }, absolute("")],
    [{ "/": "" }, root],
    [{ "/t": "foo" }, 'invalid tmpfs option "foo"'],
  ];
  for (const [Tmpfs, message] of bad) assert.throws(() => parse({ Tmpfs }), { kind: "invalid", message });
});

test("the image's volumes fill what is left", () => {
  const point = "volume|||/z||rw||local";
  assert.deepEqual(parse({}, ["/z", "/z/"]).map(line), [point]);
  assert.deepEqual(parse({ Binds: ["/a:/x"], Tmpfs: { "/t": "" } }, ["/x", "/t", "/z"]).map(line), [
    "bind||/a|/x||rw|rprivate|",
    point,
  ]);
  assert.equal(parse({ VolumeDriver: "other" }, ["/z"])[0]!.driver, "other");
  assert.throws(() => parse({}, ["rel"]), { kind: "invalid" });
  assert.throws(() => parse({}, ["/"]), { kind: "invalid" });
});

test("--volumes-from: another container's mounts, under one's own", () => {
  assert.deepEqual(parse({ VolumesFrom: ["donor"] }).map(line), [
    "bind||/src|/b||ro|rprivate|",
    "volume|dv|/v/dv|/d||rw||local",
  ]);
  assert.ok(parse({ VolumesFrom: ["donor:ro"] }).every(({ rw }) => !rw));
  assert.equal(parse({ VolumesFrom: ["donor:z"] })[1]!.rw, true);
  assert.deepEqual(
    parse({ VolumesFrom: ["donor"], Binds: ["ov:/d"], Mounts: [{ Type: "tmpfs", Target: "/b" }] }, ["/d"]).map(line),
    ["tmpfs|||/b||rw||", "volume|ov||/d|z|rw||local"],
  );
  const bad: ReadonlyArray<[string, string]> = [
    ["", "volumes-from specification cannot be an empty string"],
    ["donor:foo", "invalid mode: foo"],
    ["donor:rshared", "invalid mode: rshared"],
    ["donor:nocopy", "invalid mode: nocopy"],
    ["donor:ro:x", "invalid mode: ro:x"],
    ["nope", "No such container: nope"],
    [":ro", 'invalid name or ID supplied: ""'],
  ];
  for (const [spec, message] of bad) assert.throws(() => parse({ VolumesFrom: [spec] }), { kind: "invalid", message });
});
