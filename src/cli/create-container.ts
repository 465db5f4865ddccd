import { closeSync, openSync, rmSync, writeSync } from "node:fs";
import { errnoOf, messageOf } from "../base/errors.ts";
import type { Reference } from "../oci/reference.ts";
import { pull, shown } from "./commands/pull.ts";
import type { ContainerRequest } from "./container-request.ts";
import type { Context } from "./context.ts";
import { Failure, isNotFound } from "./failure.ts";
import type { Flags } from "./flags.ts";
import { reference } from "./parse/image-name.ts";

/** Creates the container, pulling its image where it is missing or `--pull always`; prints warnings. Its ID. */
export async function createContainer(context: Context, request: ContainerRequest, flags: Flags): Promise<string> {
  const policy = flags.string("pull");
  const named = imageReference(request.config.Image ?? "");
  const idFile = openIdFile(flags.string("cidfile"));
  try {
    if (policy === "always" && named) await pullFor(context, named, flags);
    const { Id, Warnings } = await createOnce(context, request, flags, policy === "missing" ? named : undefined);
    for (const warning of Warnings ?? []) context.warn(`WARNING: ${warning}\n`);
    idFile?.write(Id);
    return Id;
  } finally {
    idFile?.close();
  }
}

/** Throws where `--pull` is none of the three. */
export function checkPullPolicy(flags: Flags): void {
  const policy = flags.string("pull");
  if (!["always", "missing", "never"].includes(policy))
    throw new Error(`invalid pull option: '${policy}': must be one of "always", "missing" or "never"`);
}

/** An image may also be named by its ID, which is no reference and is never pulled. */
function imageReference(image: string): Reference | undefined {
  return /^(sha256:)?[0-9a-f]{64}$/.test(image) ? undefined : reference(image);
}

interface Created {
  readonly Id: string;
  readonly Warnings: readonly string[] | null;
}

async function createOnce(
  context: Context,
  { config, hostConfig, networkingConfig }: ContainerRequest,
  flags: Flags,
  pullable: Reference | undefined,
): Promise<Created> {
  const create = (): Promise<Created> =>
    context.client.call("POST /containers/create", {
      query: {
        ...(flags.string("name") !== "" && { name: flags.string("name") }),
        ...(flags.string("platform") !== "" && { platform: flags.string("platform") }),
      },
      body: { ...config, HostConfig: hostConfig, NetworkingConfig: networkingConfig },
    });
  try {
    return await create();
  } catch (error) {
    if (!pullable || !isNotFound(error) || !/^No such image/i.test(error.message)) throw error;
    if (!flags.bool("quiet")) context.warn(`Unable to find image '${shown(pullable)}' locally\n`);
    await pullFor(context, pullable, flags);
    return create();
  }
}

function pullFor(context: Context, named: Reference, flags: Flags): Promise<void> {
  const target = flags.bool("quiet") ? undefined : context.stderr;
  return pull(context, named, { platform: flags.string("platform"), target });
}

/** Makes the file of `--cidfile`, which must not be there yet; it goes away again where nothing is written into it. */
function openIdFile(path: string): { write(id: string): void; close(): void } | undefined {
  if (path === "") return undefined;
  let file: number;
  try {
    file = openSync(path, "wx", 0o644);
  } catch (error) {
    if (errnoOf(error) === "EEXIST")
      throw new Failure(`container ID file found, make sure the other container isn't running or delete ${path}`);
    throw new Failure(`failed to create the container ID file: ${messageOf(error)}`);
  }
  let written = false;
  return {
    write: (id) => {
      writeSync(file, id);
      written = true;
    },
    close: () => {
      closeSync(file);
      if (!written) rmSync(path, { force: true });
    },
  };
}
