import { type Command, noArgs } from "../command.ts";
import { Failure } from "../failure.ts";
import { bool, list, string } from "../flags.ts";

/** The help of the daemon. The program's entry starts it: the command line knows no more of the engine than its API. */
export const command: Command = {
  usage: "[OPTIONS]",
  summary: "Run the engine in the foreground",
  args: noArgs,
  flags: [
    list("add-runtime", "", "Register a further runtime (name=path)"),
    string("bip", "", "Address and subnet of the default bridge (CIDR)"),
    string("bridge", "b", "Name of the default bridge"),
    string("config-file", "", "File with these options as JSON"),
    string("data-root", "", "Folder of images, containers and volumes"),
    bool("debug", "D", "Log what is done in detail"),
    list("default-address-pool", "", "Pool that networks take their subnets from (base=CIDR,size=BITS)"),
    string("default-runtime", "", "Runtime of containers that name none"),
    string("exec-root", "", "Folder of what lives while containers run"),
    list("host", "H", "Socket to listen on (unix://, tcp://)"),
    list("insecure-registry", "", "Registry that is spoken to without TLS"),
    list("label", "", "Label of the engine"),
    bool("live-restore", "", "Containers run on without the daemon (always so)"),
    string("log-level", "l", 'Level of what is logged ("debug", "info", "warn", "error")', "info"),
    string("mtu", "", "MTU of the default bridge"),
    string("pidfile", "p", "File that holds the daemon's process ID"),
    list("registry-mirror", "", "Mirror to pull from first"),
    bool("tls", "", "Use TLS"),
    string("tlscacert", "", "Trust only clients with a certificate of this authority"),
    string("tlscert", "", "File of the TLS certificate"),
    string("tlskey", "", "File of the TLS key"),
    bool("tlsverify", "", "Use TLS and verify clients"),
  ],
  async run() {
    throw new Failure("keelson: put the daemon's options after the word: keelson daemon [OPTIONS]", 125);
  },
};
