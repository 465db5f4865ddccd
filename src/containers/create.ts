import { hostname } from "node:os";
import { invalid, isKind, messageOf } from "../base/errors.ts";
import { newId, shortId } from "../base/ids.ts";
import { Operation } from "../base/operation.ts";
import { formatNano, never, nowNano } from "../base/time.ts";
import { withUndo } from "../base/undo.ts";
import type { Image } from "../images/images.ts";
import type { Digest } from "../oci/digest.ts";
import { hostPlatform } from "../oci/platform.ts";
import type { Container, CreateRequest, MountPoint } from "./containers.ts";
import { type Context, emit } from "./context.ts";
import { mergeConfig } from "./merge.ts";
import { parseMounts } from "./mounts.ts";
import { randomName } from "./names.ts";
import { removeAnonymousVolumes } from "./remove.ts";
import { networkModeOf, portRequests, sandboxRequest } from "./sandbox-request.ts";
import { validateCreate, validateName } from "./validate.ts";
import { makeVolumes, seedVolumes } from "./volumes.ts";

/** Makes a container's record, its writable snapshot and its volumes: all of it or nothing. */
export async function createContainer(
  context: Context,
  op: Operation,
  request: CreateRequest,
): Promise<{ readonly id: string; readonly warnings: readonly string[] }> {
  // A start comes soon: what it would have to wait for in the kernel can begin now.
  context.shims.warm();
  const id = newId();
  const name = chooseName(context, request.name);
  const { container, image, warnings } = planned(context, id, name, request);
  context.records.takeName(name, id);
  try {
    // In its queue: who finds the half-made record (see `withVolumes`) and wants to remove it waits.
    await context.queue.run(id, () => make(context, op, container, image));
  } catch (error) {
    context.records.releaseName(name, id);
    throw error;
  }
  return { id, warnings };
}

function chooseName(context: Context, wanted: string | undefined): string {
  if (!wanted) return randomName((name) => context.records.hasName(name));
  const name = wanted.replace(/^\//, "");
  validateName(name);
  return name;
}

interface Planned {
  readonly container: Container;
  readonly image: Image;
  readonly warnings: readonly string[];
}

/** The record as it will be, from the request and its image. Throws whatever is wrong with the request; changes nothing. */
function planned(context: Context, id: string, name: string, request: CreateRequest): Planned {
  const imageName = request.config.Image ?? "";
  const { hostConfig, warnings } = validateCreate({ ...request, runtimes: Object.keys(context.runtimes) });
  const image = context.images.resolve(imageName);
  const { config, path, args } = mergeConfig(request.config, image.config.config);
  const mounts = parseMounts({
    config,
    hostConfig,
    mountsOf: (reference) => context.records.resolve(reference).mounts,
  });
  const container: Container = {
    id,
    name,
    created: formatNano(nowNano()),
    image: image.id,
    imageName,
    platform: hostPlatform(),
    config: { ...config, Hostname: request.config.Hostname || defaultHostname(context, id, request) },
    hostConfig: { ...hostConfig, Runtime: hostConfig.Runtime || context.defaultRuntime },
    networking: request.networkingConfig ?? {},
    mounts,
    path,
    args,
    state: { status: "created", pid: 0, exitCode: 0, oomKilled: false, error: "", startedAt: never, finishedAt: never },
    restartCount: 0,
    stoppedByUser: false,
    execIds: [],
  };
  for (const mode of [hostConfig.PidMode, hostConfig.IpcMode]) checkJoined(context, mode);
  checkNetworks(context, container);
  return { container, image, warnings };
}

/** In another's network namespace a container has that one's name; on the host's network, or in its UTS namespace, the host's. */
function defaultHostname(context: Context, id: string, { hostConfig }: CreateRequest): string {
  const { NetworkMode = "", UTSMode } = hostConfig;
  if (NetworkMode === "host" || UTSMode === "host") return hostname();
  if (!NetworkMode.startsWith("container:")) return shortId(id);
  return context.records.tryResolve(NetworkMode.slice("container:".length))?.config.Hostname ?? shortId(id);
}

/** What is wrong with the request itself is refused now; whether its networks are there is asked at the start. */
function checkNetworks(context: Context, container: Container): void {
  const mode = networkModeOf(container);
  if (mode === "host") return;
  portRequests(container);
  if (mode.startsWith("container:")) return;
  try {
    context.networks.check(sandboxRequest(context, container));
  } catch (error) {
    if (!isKind(error, "notFound")) throw error;
  }
}

/** A namespace to join must be a container's; Docker asks that at creation. */
function checkJoined(context: Context, mode = ""): void {
  if (!mode.startsWith("container:")) return;
  const name = mode.slice("container:".length);
  if (!context.records.tryResolve(name)) throw invalid(`No such container: ${name}`, { id: name });
}

async function make(context: Context, op: Operation, container: Container, image: Image): Promise<void> {
  const { id } = container;
  await withUndo(
    async (step) => {
      const top = await context.images.unpack(op, image);
      await step(
        () => context.snapshots.prepare(op, id, top),
        () => context.snapshots.remove(id),
      );
      const mounts = await withVolumes(context, op, container, top, step);
      op.check();
      await context.records.put({ ...container, mounts });
    },
    (error) => context.log.warn("undoing a creation", { id, error: messageOf(error) }),
  );
  emit(context, container, "create");
}

type Step = Parameters<Parameters<typeof withUndo>[0]>[0];

/**
 * Makes the container's volumes and fills new ones from the image. While anonymous ones are made the record says
 * `removing`: after a crash they go with it.
 */
async function withVolumes(
  context: Context,
  op: Operation,
  container: Container,
  top: Digest | undefined,
  step: Step,
): Promise<readonly MountPoint[]> {
  if (!container.mounts.some(({ type }) => type === "volume")) return container.mounts;
  const named = container.mounts.map((mount) =>
    mount.type === "volume" && mount.name === undefined ? { ...mount, name: newId(), anonymous: true } : mount,
  );
  const intent: Container = { ...container, mounts: named, state: { ...container.state, status: "removing" } };
  await step(
    () => context.records.put(intent),
    () => discard(context, intent),
  );
  const mounts = await makeVolumes(context, op, { ...container, mounts: named });
  await seedVolumes(context, op, { ...container, mounts }, top);
  return mounts;
}

/** Takes the anonymous volumes away, as far as they were made, and the record last. */
async function discard(context: Context, intent: Container): Promise<void> {
  await removeAnonymousVolumes(context, Operation.background(`undo create ${intent.id}`), intent);
  await context.records.remove(intent.id);
}
