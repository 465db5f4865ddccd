import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, test } from "node:test";
import { exhausted, isKind } from "../base/errors.ts";
import { openStore } from "../store/lmdb.ts";
import type { Store, Table } from "../store/store.ts";
import type { Container, ContainerStatus } from "./containers.ts";
import { ContainerRecords } from "./records.ts";
import { createdState, sampleContainer } from "./testing/samples.ts";

let root: string;
let store: Store;
let records: ContainerRecords;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "keelson-records-"));
  store = openStore(root);
  records = new ContainerRecords(store);
});
afterEach(async () => {
  await store.close();
  rmSync(root, { recursive: true });
});

const id = (start: string): string => start.padEnd(64, "0");

async function add(change: Partial<Container>): Promise<Container> {
  const container = sampleContainer(change);
  records.takeName(container.name, container.id);
  await records.put(container);
  return container;
}

test("an ID, a name with or without the slash, and a prefix of one ID name a container, in that order", async () => {
  const one = await add({ id: id("abc1"), name: "one" });
  const two = await add({ id: id("abc2"), name: "abc1" });
  assert.equal(records.resolve(one.id), one);
  assert.equal(records.resolve("one"), one);
  assert.equal(records.resolve("/one"), one);
  assert.equal(records.resolve("abc2"), two);
  assert.equal(records.resolve("abc1"), two, "a name goes before a prefix");
  assert.equal(records.resolve("abc10"), one);
});

test("what names none or several is refused in Docker's words", async () => {
  await add({ id: id("abc1") });
  await add({ id: id("abc2") });
  assert.throws(
    () => records.resolve("abc"),
    (error) => isKind(error, "invalid") && error.message === "multiple IDs found with provided prefix: abc",
  );
  for (const unknown of ["nope", "", "/", "ABC1", "abc3", "abc1*"]) {
    assert.throws(
      () => records.resolve(unknown),
      (error) => isKind(error, "notFound") && error.message === `No such container: ${unknown}`,
    );
    assert.equal(records.tryResolve(unknown), undefined);
  }
});

test("a name has one holder, who may take it again, and is free once released by him", () => {
  records.takeName("web", id("a"));
  records.takeName("web", id("a"));
  assert.throws(
    () => records.takeName("web", id("b")),
    (error) =>
      isKind(error, "conflict") &&
      error.message ===
        `Conflict. The container name "/web" is already in use by container "${id("a")}". ` +
          "You have to remove (or rename) that container to be able to reuse that name.",
  );
  records.releaseName("web", id("b"));
  assert.equal(records.hasName("web"), true, "another cannot release it");
  records.releaseName("web", id("a"));
  assert.equal(records.hasName("web"), false);
  records.takeName("web", id("b"));
});

test("a removal frees the name", async () => {
  const { name, id: first } = await add({ name: "web" });
  await records.remove(first);
  assert.equal(records.find(first), undefined);
  assert.throws(() => records.get(first), /No such container/);
  assert.equal(records.hasName(name), false);
});

test("states follow the table of transitions", async () => {
  const allowed: Readonly<Record<ContainerStatus, string>> = {
    created: "running removing",
    running: "created exited paused restarting removing",
    paused: "running exited removing",
    restarting: "running exited removing",
    exited: "running restarting removing",
    removing: "created dead",
    dead: "removing",
  };
  const all = Object.keys(allowed) as ContainerStatus[];
  for (const from of all)
    for (const to of all) {
      const { id } = await add({ state: { ...createdState, status: from } });
      const moved = async (): Promise<void> => records.move(id, { status: to });
      if (from === to || allowed[from].split(" ").includes(to)) {
        await moved();
        assert.equal(records.get(id).state.status, to);
      } else {
        await assert.rejects(moved, (error) => isKind(error, "conflict"), `${from} to ${to}`);
        assert.equal(records.get(id).state.status, from);
      }
    }
});

test("a change is seen at once, keeps what it does not name, and is there for the next engine", async () => {
  const { id } = await add({ name: "web", restartCount: 3 });
  const committed = records.move(id, { status: "running", pid: 42 }, { stoppedByUser: true });
  const seen = records.get(id);
  assert.deepEqual(
    [seen.state.status, seen.state.pid, seen.state.exitCode, seen.stoppedByUser],
    ["running", 42, 0, true],
  );
  await committed;
  await store.close();
  store = openStore(root);
  records = new ContainerRecords(store);
  assert.deepEqual(records.get(id), seen);
  assert.equal(records.resolve("web").id, id);
  assert.throws(() => records.takeName("web", "other"), /already in use/);
});

test("a new record that cannot be stored is not there; a change that cannot is, for it tells what is", async () => {
  let isFull = false;
  const put = async (): Promise<void> => {
    if (isFull) throw exhausted("no space left on device");
  };
  const table = { entries: () => [], put, remove: async () => {} } as unknown as Table<never>;
  const full = new ContainerRecords({ ...store, table: () => table });
  const known = sampleContainer({ state: { ...createdState, status: "running" } });
  const half = sampleContainer({ state: { ...createdState, status: "removing" } });
  for (const container of [known, half]) await full.put(container);
  isFull = true;
  const isExhausted = (error: unknown): boolean => isKind(error, "exhausted");
  await assert.rejects(full.put(sampleContainer()), isExhausted);
  assert.deepEqual(full.all(), [known, half]);
  await assert.rejects(full.move(half.id, { status: "created" }), isExhausted);
  assert.equal(full.get(half.id), half, "a creation that cannot be completed is still one that goes");
  await assert.rejects(full.move(known.id, { status: "exited", exitCode: 5 }), isExhausted);
  assert.equal(full.get(known.id).state.exitCode, 5);
});
