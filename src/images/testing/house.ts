import { mkdir, mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type EngineEvent, EventBus } from "../../base/events.ts";
import { Operation } from "../../base/operation.ts";
import type { ContentStore } from "../../content/content.ts";
import { openContentStore } from "../../content/layout.ts";
import type { Digest } from "../../oci/digest.ts";
import { openSnapshots } from "../../snapshots/overlay.ts";
import type { Snapshots } from "../../snapshots/snapshots.ts";
import { openStore } from "../../store/lmdb.ts";
import { createImages, type ImagesOptions } from "../create.ts";
import type { Images } from "../images.ts";

/** Images over a real store, content and snapshots in a folder of their own. */
export interface House {
  readonly root: string;
  readonly images: Images;
  readonly content: ContentStore;
  readonly snapshots: Snapshots;
  readonly events: EngineEvent[];
  /** The containers that the images are told of. */
  readonly users: Map<Digest, Array<{ id: string; running: boolean }>>;
  readonly warnings: string[];
  op(): Operation;
  /** `action name` of each event so far. */
  actions(): string[];
  blobs(): Promise<string[]>;
  /** Opens everything anew on the same folder, as after a crash. */
  reopen(): Promise<House>;
  [Symbol.asyncDispose](): Promise<void>;
}

export async function openHouse(options: Partial<ImagesOptions> = {}, at?: string): Promise<House> {
  const root = at ?? (await mkdtemp(join(tmpdir(), "keelson-images-")));
  await mkdir(root, { recursive: true });
  const store = openStore(join(root, "store"));
  const content = await openContentStore(join(root, "content"));
  const snapshots = await openSnapshots({ root: join(root, "snapshots"), store });
  const bus = new EventBus();
  const users: House["users"] = new Map();
  const warnings: string[] = [];
  const images = createImages({
    content,
    snapshots,
    store,
    events: bus,
    users: { usersOf: (image) => users.get(image) ?? [] },
    insecureRegistries: [],
    mirrors: [],
    log: { warn: (message, fields) => warnings.push(`${message} ${JSON.stringify(fields)}`) },
    ...options,
  });
  return {
    root,
    images,
    content,
    snapshots,
    users,
    warnings,
    get events() {
      return bus.replay();
    },
    op: () => new Operation("test"),
    actions: () => bus.replay().map(({ action, actor }) => `${action} ${actor.attributes["name"]}`),
    blobs: () => readdir(join(root, "content", "blobs", "sha256")),
    async reopen() {
      await store.close();
      return openHouse(options, root);
    },
    async [Symbol.asyncDispose]() {
      await store.close();
      await rm(root, { recursive: true, force: true });
    },
  };
}
