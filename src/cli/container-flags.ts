import { bool, type Flag, int, list, string, strings, value } from "./flags.ts";
import { parseEnv, parseLabel } from "./parse/env.ts";
import { parseMount } from "./parse/mounts.ts";
import { checkMac, parseDnsAddress, parseDnsSearch, parseExtraHost, parseLink, parseNetwork } from "./parse/network.ts";
import { parseStream, parseSysctl } from "./parse/policies.ts";
import {
  parseBpsDevice,
  parseDeviceRule,
  parseGpus,
  parseIopsDevice,
  parseUlimit,
  parseWeightDevice,
} from "./parse/resources.ts";
import { parseBytes, parseCpus, parseDuration, parseSwap, parseUnsigned } from "./parse/sizes.ts";

const bytes = (name: string, short: string, help: string, read = parseBytes): Flag =>
  value(name, short, "bytes", help, read, 0);
const duration = (name: string, help: string): Flag =>
  value(name, "", "duration", `${help} (ms|s|m|h)`, parseDuration, 0, { shown: "0s" });
const text = (name: string, short: string, help: string, type = "string"): Flag =>
  string(name, short, help, "", { type });
const map = (name: string, help: string, read?: (t: string) => unknown): Flag =>
  list(name, "", help, read, { type: "map", shown: "map[]" });
const shownList = (name: string, help: string, read: (t: string) => unknown, type = "list"): Flag =>
  list(name, "", help, read, { type, shown: "[]" });

const process: readonly Flag[] = [
  list("attach", "a", "Attach to STDIN, STDOUT or STDERR", parseStream),
  text("entrypoint", "", "Run this instead of the image's ENTRYPOINT"),
  list("env", "e", "Set environment variables", (t) => parseEnv(t)),
  list("env-file", "", "Read environment variables from a file"),
  list("group-add", "", "Join further groups"),
  text("hostname", "h", "Host name of the container"),
  text("domainname", "", "NIS domain name of the container"),
  bool("init", "", "Run an init in the container that forwards signals and reaps processes"),
  bool("interactive", "i", "Keep STDIN open even if nobody is attached"),
  list("label", "l", "Set metadata on the container", parseLabel),
  list("label-file", "", "Read labels from a file, one a line"),
  map("annotation", "Add an annotation (handed on to the OCI runtime)"),
  text("name", "", "Name of the container"),
  text("stop-signal", "", "Signal that stops the container"),
  int("stop-timeout", "", "Seconds that a stop may take"),
  bool("tty", "t", "Give the container a terminal"),
  text("user", "u", "User name or ID (<name|uid>[:<group|gid>])"),
  text("workdir", "w", "Working directory in the container"),
  text("cidfile", "", "Write the container's ID to this file"),
  text("platform", "", "Platform to choose from an image of several"),
  string("pull", "", 'Whether to pull the image first ("always", "missing", "never")', "missing"),
  bool("quiet", "q", "Do not show the progress of a pull"),
  bool("disable-content-trust", "", "Do not check signatures of images", true),
];

const limits: readonly Flag[] = [
  value(
    "blkio-weight",
    "",
    "uint16",
    "Relative weight of block IO, 10 to 1000; 0 turns it off",
    (t) => parseUnsigned(t, 65535),
    0,
    { shown: "0" },
  ),
  shownList("blkio-weight-device", "Relative weight of block IO for a device", parseWeightDevice),
  text("cgroup-parent", "", "Cgroup that holds the container's"),
  int("cpu-count", "", "Number of CPUs (Windows only)"),
  int("cpu-percent", "", "Percent of the CPUs (Windows only)"),
  int("cpu-period", "", "Period of the CPU quota"),
  int("cpu-quota", "", "CPU quota a period"),
  int("cpu-rt-period", "", "Real-time period in microseconds"),
  int("cpu-rt-runtime", "", "Real-time run time in microseconds"),
  int("cpu-shares", "c", "Relative weight of CPU time"),
  value("cpus", "", "decimal", "Number of CPUs", parseCpus, 0),
  text("cpuset-cpus", "", "CPUs to run on (0-3, 0,1)"),
  text("cpuset-mems", "", "Memory nodes to use (0-3, 0,1)"),
  shownList("device-read-bps", "Bytes a second that may be read from a device", parseBpsDevice),
  shownList("device-read-iops", "Reads a second from a device", parseIopsDevice),
  shownList("device-write-bps", "Bytes a second that may be written to a device", parseBpsDevice),
  shownList("device-write-iops", "Writes a second to a device", parseIopsDevice),
  bytes("io-maxbandwidth", "", "Bandwidth of the system drive (Windows only)"),
  value("io-maxiops", "", "uint", "Operations of the system drive (Windows only)", (t) => parseUnsigned(t), 0),
  bytes("kernel-memory", "", "Kernel memory limit"),
  bytes("memory", "m", "Memory limit"),
  bytes("memory-reservation", "", "Soft memory limit"),
  bytes("memory-swap", "", "Limit of memory and swap together; -1 for no limit", parseSwap),
  int("memory-swappiness", "", "Swappiness, 0 to 100", -1),
  bool("oom-kill-disable", "", "Do not kill when memory runs out"),
  int("oom-score-adj", "", "Preference of the OOM killer, -1000 to 1000"),
  int("pids-limit", "", "Number of processes; -1 for no limit"),
  bytes("shm-size", "", "Size of /dev/shm"),
  shownList("ulimit", "Limits of setrlimit(2)", parseUlimit, "ulimit"),
];

const rights: readonly Flag[] = [
  list("cap-add", "", "Add Linux capabilities"),
  list("cap-drop", "", "Drop Linux capabilities"),
  text("cgroupns", "", "Cgroup namespace (host|private)"),
  list("device", "", "Give the container a device of the host"),
  list("device-cgroup-rule", "", "Add a rule to the devices that the cgroup allows", parseDeviceRule),
  value("gpus", "", "gpu-request", "GPUs for the container ('all' for every one)", parseGpus, undefined),
  text("ipc", "", "IPC namespace"),
  text("isolation", "", "Isolation technology"),
  text("pid", "", "PID namespace"),
  bool("privileged", "", "Give the container every right"),
  text("runtime", "", "Runtime of this container"),
  list("security-opt", "", "Security options"),
  map("sysctl", "Kernel parameters of the container's namespaces", parseSysctl),
  text("userns", "", "User namespace"),
  text("uts", "", "UTS namespace"),
  bool("use-api-socket", "", "Mount the engine's socket in the container"),
];

const files: readonly Flag[] = [
  list("mount", "", "Mount a file system", parseMount, { type: "mount" }),
  bool("read-only", "", "Mount the root file system read-only"),
  list("storage-opt", "", "Options of the storage driver"),
  list("tmpfs", "", "Mount a tmpfs at a directory"),
  list("volume", "v", "Mount a volume or a directory of the host"),
  text("volume-driver", "", "Driver of the container's volumes"),
  list("volumes-from", "", "Mount the volumes of other containers"),
];

const network: readonly Flag[] = [
  list("add-host", "", "Add a line to /etc/hosts (host:ip)", parseExtraHost),
  list("dns", "", "DNS servers", parseDnsAddress),
  list("dns-opt", "", "DNS options"),
  list("dns-option", "", "DNS options"),
  list("dns-search", "", "DNS search domains", parseDnsSearch),
  list("expose", "", "Expose a port or a range of ports"),
  text("ip", "", "IPv4 address (172.30.100.104)"),
  text("ip6", "", "IPv6 address (2001:db8::33)"),
  list("link", "", "Link to another container", parseLink),
  list("link-local-ip", "", "Link-local addresses"),
  text("mac-address", "", "MAC address (92:d0:c6:0a:29:33)"),
  list("network", "", "Network to connect to", parseNetwork, { type: "network" }),
  list("net", "", "Network to connect to", parseNetwork, { type: "network", hidden: true }),
  list("network-alias", "", "Further names of the container in the network"),
  list("net-alias", "", "Further names of the container in the network", undefined, { hidden: true }),
  list("publish", "p", "Publish ports of the container on the host"),
  bool("publish-all", "P", "Publish every exposed port on a random one"),
];

const life: readonly Flag[] = [
  text("health-cmd", "", "Command that checks the container's health"),
  duration("health-interval", "Time between two checks"),
  int("health-retries", "", "Failures in a row that mean unhealthy"),
  duration("health-start-interval", "Time between two checks while the container starts"),
  duration("health-start-period", "Time to start in, during which failures do not count"),
  duration("health-timeout", "Longest time for one check"),
  bool("no-healthcheck", "", "Turn the image's HEALTHCHECK off"),
  text("log-driver", "", "Driver of the container's log"),
  list("log-opt", "", "Options of the log driver"),
  string("restart", "", "What to do when the container exits", "no"),
  bool("rm", "", "Remove the container and its anonymous volumes when it exits"),
];

/** Older names, and flags of Windows: they are read, and not shown. */
const hidden = new Set(["dns-opt", "cpu-count", "cpu-percent", "io-maxbandwidth", "io-maxiops"]);

/** Every flag of `create`, which `run` has too. */
export const containerFlags: readonly Flag[] = [...process, ...limits, ...rights, ...files, ...network, ...life].map(
  (flag) => (hidden.has(flag.name) ? { ...flag, hidden: true } : flag),
);

/** What `run` has beyond `create`. */
export const runOnlyFlags: readonly Flag[] = [
  bool("detach", "d", "Run in the background and print the container's ID"),
  text("detach-keys", "", "Keys that detach from the container"),
  bool("sig-proxy", "", "Hand signals on to the container", true),
];

/** Flags of `network connect`, which name the same things. */
export const connectFlags: readonly Flag[] = [
  strings("alias", "Further names of the container in the network"),
  strings("driver-opt", "Options of the network driver"),
  int("gw-priority", "", "The network with the highest one is the default gateway"),
  text("ip", "", 'IPv4 address ("172.30.100.104")'),
  text("ip6", "", 'IPv6 address ("2001:db8::33")'),
  list("link", "", "Link to another container", parseLink),
  strings("link-local-ip", "Link-local addresses"),
  value("mac-address", "", "string", "MAC address", checkMac, "", { hidden: true }),
];
