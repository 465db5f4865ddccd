import type { Command } from "./command.ts";

/** Where a command lives and under which names it is called. The file is imported only when the command is called. */
export interface Entry {
  /** The name at top level, where it has one. */
  readonly top?: string;
  /** The names within groups: `container ls`, `container list`. The first is the one in the group's list. */
  readonly grouped: readonly string[];
  readonly summary: string;
  load(): Promise<{ readonly command: Command }>;
}

export const groups: Readonly<Record<string, string>> = {
  container: "Manage containers",
  image: "Manage images",
  network: "Manage networks",
  system: "Manage the engine",
  volume: "Manage volumes",
};

/** Commands that Docker has and Keelson does not have yet. */
export const missing: ReadonlySet<string> = new Set(
  (
    "build builder buildx checkpoint commit compose config context cp diff export login logout manifest node pause " +
    "plugin push save search secret service stack stats swarm trust unpause update"
  ).split(" "),
);

/** The same within groups. */
export const missingGrouped: ReadonlySet<string> = new Set([
  ...["commit", "cp", "diff", "export", "pause", "stats", "unpause", "update"].map((name) => `container ${name}`),
  ...["build", "push", "save"].map((name) => `image ${name}`),
  "volume update",
]);

const entry = (top: string | undefined, grouped: readonly string[], summary: string, load: Entry["load"]): Entry => ({
  top,
  grouped,
  summary,
  load,
});

/** Every command. */
export const entries: readonly Entry[] = [
  entry(
    "attach",
    ["container attach"],
    "Connect to the input and output of a running container",
    () => import("./commands/attach.ts"),
  ),
  entry("completion", [], "Print the completion script for a shell", () => import("./commands/completion.ts")),
  entry("create", ["container create"], "Create a container without starting it", () => import("./commands/create.ts")),
  entry("daemon", [], "Run the engine in the foreground", () => import("./commands/daemon.ts")),
  entry(
    "events",
    ["system events"],
    "Show what happens in the engine, as it happens",
    () => import("./commands/events.ts"),
  ),
  entry("exec", ["container exec"], "Run a command in a running container", () => import("./commands/exec.ts")),
  entry("history", ["image history"], "Show the history of an image", () => import("./commands/history.ts")),
  entry("images", ["image ls", "image list"], "List images", () => import("./commands/images.ts")),
  entry(
    "import",
    ["image import"],
    "Make an image from a tar archive of a file system",
    () => import("./commands/import.ts"),
  ),
  entry("info", ["system info"], "Show what the engine and its host are", () => import("./commands/info.ts")),
  entry("inspect", [], "Show everything about objects of any type", () => import("./commands/inspect.ts")),
  entry("kill", ["container kill"], "Send a signal to running containers", () => import("./commands/kill.ts")),
  entry(
    "load",
    ["image load"],
    "Load images from a tar archive or from standard input",
    () => import("./commands/load.ts"),
  ),
  entry("logs", ["container logs"], "Show the output of a container", () => import("./commands/logs.ts")),
  entry("port", ["container port"], "List the published ports of a container", () => import("./commands/port.ts")),
  entry("ps", ["container ls", "container list", "container ps"], "List containers", () => import("./commands/ps.ts")),
  entry("pull", ["image pull"], "Download an image from a registry", () => import("./commands/pull.ts")),
  entry("rename", ["container rename"], "Rename a container", () => import("./commands/rename.ts")),
  entry("restart", ["container restart"], "Restart containers", () => import("./commands/restart.ts")),
  entry("rm", ["container rm", "container remove"], "Remove containers", () => import("./commands/rm.ts")),
  entry("rmi", ["image rm", "image remove"], "Remove images", () => import("./commands/rmi.ts")),
  entry("run", ["container run"], "Create a container from an image and run it", () => import("./commands/run.ts")),
  entry("start", ["container start"], "Start stopped containers", () => import("./commands/start.ts")),
  entry("stop", ["container stop"], "Stop running containers", () => import("./commands/stop.ts")),
  entry("tag", ["image tag"], "Give an image another name", () => import("./commands/tag.ts")),
  entry("top", ["container top"], "Show the processes of a container", () => import("./commands/top.ts")),
  entry("version", [], "Show the versions of client and engine", () => import("./commands/version.ts")),
  entry(
    "wait",
    ["container wait"],
    "Wait until containers stop, and print their exit codes",
    () => import("./commands/wait.ts"),
  ),
  entry(
    undefined,
    ["container inspect"],
    "Show everything about containers",
    () => import("./commands/container-inspect.ts"),
  ),
  entry(undefined, ["container prune"], "Remove all stopped containers", () => import("./commands/container-prune.ts")),
  entry(undefined, ["image inspect"], "Show everything about images", () => import("./commands/image-inspect.ts")),
  entry(undefined, ["image prune"], "Remove unused images", () => import("./commands/image-prune.ts")),
  entry(
    undefined,
    ["network connect"],
    "Connect a container to a network",
    () => import("./commands/network-connect.ts"),
  ),
  entry(undefined, ["network create"], "Create a network", () => import("./commands/network-create.ts")),
  entry(
    undefined,
    ["network disconnect"],
    "Disconnect a container from a network",
    () => import("./commands/network-disconnect.ts"),
  ),
  entry(
    undefined,
    ["network inspect"],
    "Show everything about networks",
    () => import("./commands/network-inspect.ts"),
  ),
  entry(undefined, ["network ls", "network list"], "List networks", () => import("./commands/network-ls.ts")),
  entry(undefined, ["network prune"], "Remove all unused networks", () => import("./commands/network-prune.ts")),
  entry(undefined, ["network rm", "network remove"], "Remove networks", () => import("./commands/network-rm.ts")),
  entry(undefined, ["system df"], "Show how much disk space is used", () => import("./commands/system-df.ts")),
  entry(undefined, ["system prune"], "Remove everything that is not used", () => import("./commands/system-prune.ts")),
  entry(undefined, ["volume create"], "Create a volume", () => import("./commands/volume-create.ts")),
  entry(undefined, ["volume inspect"], "Show everything about volumes", () => import("./commands/volume-inspect.ts")),
  entry(undefined, ["volume ls", "volume list"], "List volumes", () => import("./commands/volume-ls.ts")),
  entry(undefined, ["volume prune"], "Remove unused volumes", () => import("./commands/volume-prune.ts")),
  entry(undefined, ["volume rm", "volume remove"], "Remove volumes", () => import("./commands/volume-rm.ts")),
];

/** The command called `name` (`ps`, `container ls`). */
export function findEntry(name: string): Entry | undefined {
  return entries.find((own) => own.top === name || own.grouped.includes(name));
}

/** Every full path of a command, as the help's aliases show them. */
export function pathsOf(own: Entry): string[] {
  return [...own.grouped, ...(own.top === undefined ? [] : [own.top])].map((path) => `keelson ${path}`);
}

/** Names and summaries of a group's commands (those at top level for ""), in alphabetical order. */
export function entriesOf(group: string): Array<readonly [string, string]> {
  const rows = entries.flatMap((own): Array<readonly [string, string]> => {
    const name = group === "" ? own.top : firstIn(own, group);
    return name === undefined ? [] : [[name, own.summary]];
  });
  return rows.sort(([a], [b]) => (a < b ? -1 : 1));
}

function firstIn(own: Entry, group: string): string | undefined {
  return own.grouped.find((path) => path.startsWith(`${group} `))?.slice(group.length + 1);
}
