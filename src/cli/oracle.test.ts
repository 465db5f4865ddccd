import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { pruned, words } from "./testing/compare.ts";
import { engine } from "./testing/fixtures.ts";
import { type Outcome, runDocker, runKeelson, whyNoDocker } from "./testing/run-clients.ts";

/* Both command lines against the same fixed answers: what they print and how they exit is the same. */

const skip = whyNoDocker();
process.env["TZ"] = "UTC";

const lines: Readonly<Record<string, readonly string[]>> = {
  ps: [
    "ps",
    "ps -a",
    "ps -q",
    "ps --no-trunc",
    "ps -s",
    "ps -aq --no-trunc",
    "container ls -n 2",
    "ps -l",
    "ps --format json",
    "ps --format table",
    "ps --format '{{json .}}'",
    "ps --format '{{.ID}} {{.Names}}'",
    "ps --format 'table {{.ID}}\\t{{upper .Names}}\\t{{.Label \"com.example.some-name\"}}'",
    "ps --format '{{.Mounts}}|{{.LocalVolumes}}|{{.Networks}}|{{.Size}}|{{.Labels}}|{{.CreatedAt}}|{{.RunningFor}}|{{.State}}'",
    "ps --no-trunc --format '{{.Mounts}}|{{.Names}}|{{.Image}}|{{.Command}}'",
    "ps --format '{{.Nope}}'",
    "ps --format '{{.Names'",
    "ps --format '{{pad .Names 2 3}}|{{truncate .ID 3}}|{{len .ID}}'",
    "ps --format 'table {{.Names | lower}}  {{title .State}}'",
    "ps -f foo",
    "ps -f status=running -f label=a",
    "ps x",
    "ps --nope",
    "ps -Z",
    "ps -n x",
    'ps --format \'table {{split .Names "/"}}\\t{{join (split .Image ":") "+"}}\'',
    "ps -q --format '{{.Names}}'",
    "ps --no-trunc=maybe",
    "ps --format 'table {{.Status}}{{if eq .State \"running\"}}\\tyes{{end}}'",
    "ps --format '{{range split .Image \":\"}}<{{.}}>{{end}}'",
  ],
  images: [
    "images",
    "images -q",
    "images --digests",
    "images --no-trunc",
    "images -a",
    "image ls --format json",
    "images nginx",
    "images --format '{{.Repository}}:{{.Tag}} {{.Digest}} {{.ID}} {{.CreatedSince}} {{.CreatedAt}} {{.Size}} {{.Containers}} {{.SharedSize}} {{.UniqueSize}}'",
    "images --format 'table {{.ID}}\\t{{.Digest}}'",
    "images --format '{{.Foo}}'",
    "images -f dangling=true",
    "images -q --format 'x{{.ID}}'",
    "images --format '{{.X'",
    "history -q --format 'x{{.ID}}' nginx",
    "images a b",
    "history nginx",
    "history --no-trunc nginx",
    "history -q nginx",
    "history -H=false nginx",
    "history --format json nginx",
    "history nope",
    "history",
    "history --human=false --format '{{.CreatedAt}} {{.Size}}' nginx",
    "history --format 'table {{.CreatedBy}}' --no-trunc nginx",
  ],
  "networks and volumes": [
    "network ls",
    "network ls -q",
    "network ls -q --format 'x{{.ID}}'",
    "volume ls -q --format 'x{{.Name}}'",
    "network ls --no-trunc",
    "network ls --format json",
    "network ls --format '{{.CreatedAt}} {{.Labels}} {{.Label \"z\"}} {{.IPv6}}'",
    "network list -f driver=bridge",
    "network rm net2",
    "network rm nope net2",
    "network rm -f nope",
    "network connect net2 web",
    "network connect --ip 1.2.3.4 --alias a,b --alias c net2 web",
    "network disconnect -f net2 web",
    "network create x",
    "network create --subnet 10.0.0.0/8 --gateway 10.0.0.1 --ip-range 10.1.0.0/16 --aux-address a=10.0.0.7 -o a=b --label c=d --internal x",
    "network create --gateway 1.2.3.4 x",
    "network create --subnet 10.0.0.0/8 --gateway 1.2.3.4 x",
    "network create --subnet 10.0.0.0/8 --subnet 10.1.0.0/16 x",
    "network create --ipv4=false --ipv6 x",
    "network prune -f",
    "network nope",
    "network create",
    "volume ls",
    "volume ls -q",
    "volume ls --format json",
    "volume ls --format 'table {{.Name}}\\t{{.Mountpoint}}\\t{{.Size}}'",
    "volume create",
    "volume create v",
    "volume create -d local -o a=b --label x=y v",
    "volume rm v2",
    "volume rm nope v2",
    "volume prune -f",
    "volume prune -af",
    "volume create a b",
    "network ls --format '{{.X}}'",
    "volume ls --format '{{.X}}'",
  ],
  inspect: [
    "inspect web",
    "inspect web nope",
    "inspect nope",
    "inspect -f '{{.Name}}' web",
    "inspect -f '{{.Nope}}' web",
    "inspect -f '{{.State.Nope}}' web",
    "inspect -f '{{json .State}}' web",
    "inspect -f json web",
    "inspect -f '{{.State.Health}} {{.HostConfig.Binds}} {{.Config.Volumes}} {{.HostConfig.PidsLimit}} {{.SizeRw}}' web",
    "inspect -f '{{if .State.Health}}{{.State.Health.Status}}{{else}}none{{end}}' web",
    "inspect -f '{{range $k, $v := .NetworkSettings.Ports}}{{$k}}={{$v}} {{end}}' web",
    "inspect -f '{{(index (index .NetworkSettings.Ports \"80/tcp\") 0).HostPort}}' web",
    "inspect -f '{{.NetworkSettings.Networks.bridge.IPAddress}}' web",
    "inspect -f '{{range .Config.Env}}{{println .}}{{end}}' web",
    "inspect -f '{{.HostConfig.RestartPolicy}} {{.HostConfig.LogConfig}} {{.Config.Cmd}} {{.Config.Labels}}' web",
    "inspect -f '{{.HostConfig.PortBindings}} {{.Config.ExposedPorts}} {{.GraphDriver.Data}}' web",
    'inspect -f \'{{index .Config.Labels "maintainer"}}|{{index .Config.Labels "no"}}\' web',
    "inspect -f '{{json .Config.Env}} {{json .HostConfig.Binds}}' web",
    'inspect -f \'{{printf "%q %v %5d|%-8s|%x" .Name .Config.Cmd .HostConfig.Memory "a" "b"}}\' web',
    "inspect -f '{{.HostConfig.Memory}} {{.HostConfig.NanoCpus}} {{.State.Pid}} {{.State.Running}}' web",
    "inspect -f '{{with .Config}}{{.Image}}{{end}}{{with .State.Error}}x{{else}}y{{end}}' web",
    "inspect -f '{{slice .Id 0 5}} {{len .Config.Env}} {{.Id | truncate}}' web",
    "inspect -f '{{index .Config.Cmd 9}}' web",
    "inspect -f '{{eq .Name 3}}' web",
    "inspect -f '{{foo}}' web",
    "inspect -f '{{end}}' web",
    "inspect -f '{{if' web",
    "inspect -f '{{.Name .Id}}' web",
    "inspect -f plain web",
    'inspect -f \'{{and .Name .Id}} {{or "" "x"}} {{not true}} {{lt 1 2}} {{ge 2.5 2.5}} {{ne "a" "b"}}\' web',
    "inspect -f '{{- /* c */ -}} a {{- \" b\" -}} ' web",
    "inspect -f '{{$x := .Name}}{{range $i, $e := .Config.Cmd}}{{if $i}},{{end}}{{$e}}{{$x}}{{end}}' web",
    'inspect -f \'{{html .Config.Env}} {{urlquery "a b&c"}} {{print 1 2 "x" 3}}\' web',
    "inspect -f '{{`raw`}} {{'\"a\\tb\"'}} {{1e3}} {{0x1F}} {{1.50}}' web",
    "inspect --type image nginx",
    "inspect --type container nginx",
    "inspect --type nope web",
    "inspect nginx net2 v2",
    "inspect -f '{{.Os}} {{.Config.Entrypoint}} {{.Config.Labels}} {{.RootFS.Layers}}' nginx",
    "inspect -f '{{range .IPAM.Config}}{{.Subnet}}{{end}} {{.Options}} {{.Labels}}' net2",
    "inspect -f '{{.Mountpoint}} {{.Options}} {{.Labels}}' v2",
    "container inspect web",
    "container inspect nope",
    "image inspect nginx nope",
    "network inspect net2",
    "network inspect nope",
    "volume inspect v2 nope",
    "inspect",
    "inspect -f '{{range .Mounts}}{{.Source}}:{{.Destination}}{{end}}' web",
    'inspect -f \'{{split .Name "e"}} {{join .Args "+"}} {{lower "AB"}} {{title "a b-c"}}\' web',
    "inspect -f '{{break}}' web",
    "inspect -f '{{range .Args}}{{if eq . \"-g\"}}{{continue}}{{end}}{{.}} {{end}}' web",
    "inspect -f '{{.State.Health.Status}}' web",
    "inspect -f '{{.Config.Env.Foo}}' web",
    "inspect -f '{{}}' web",
    "inspect -f '{{if .Name}}' web",
    "inspect -f '{{$y}}' web",
    "inspect -f '{{len 3}}' web",
    "inspect -f '{{index .Config.Labels 3}}' web",
    "inspect -f '{{1 2}}' web",
    'inspect -f \'{{.Name | printf "%s-%s" "x"}}\' web',
    "inspect -f '{{\"unterminated}}' web",
    "inspect -f '{{ .Name }' web",
    "inspect -f '{{else}}' web",
    "inspect -f '{{json .}}' v2",
    "inspect -f '{{(.Name}}' web",
  ],
  events: [
    "events",
    "events --format json",
    "events --format '{{.Type}} {{.Action}} {{.Actor.ID}} {{.Actor.Attributes.name}} {{.ID}} {{.Time}}'",
    "events --since 1h -f type=container",
    "events --format '{{.Nope}}'",
    "events x",
  ],
  system: [
    "system df",
    "system df -v",
    "system df --format json",
    "system df --format '{{.Type}} {{.Size}}'",
    "version --format '{{.Server.Version}} {{.Server.Platform.Name}} {{range .Server.Components}}{{.Name}}={{.Version}} {{end}}'",
    "version -f '{{.Nope}}'",
    "version -f '{{'",
    "info -f '{{.ServerVersion}} {{.NCPU}} {{json .Plugins}} {{.Swarm.LocalNodeState}}'",
    "info -f '{{.Nope}}'",
    "system nope",
    "info x",
  ],
  acts: [
    "stop web",
    "stop -t 3 -s INT web nope",
    "stop",
    "stop -t x web",
    "restart web",
    "restart nope web",
    "kill web",
    "kill -s TERM web nope",
    "rm web",
    "rm -fv web nope",
    "rm nope",
    "start web",
    "start nope web",
    "wait web",
    "wait web nope",
    "rename web x",
    "rename web",
    "rename nope x",
    "top web",
    "top web -o pid",
    "top nope",
    "port web",
    "port web 80",
    "port web 80/tcp",
    "port web 77",
    "port web x",
    "port nope",
    "tag nginx a:b",
    "tag nginx UP",
    "tag nginx localhost:5000/x",
    "rmi nginx",
    "rmi nginx nope",
    "rmi -f nope",
    "rmi nope",
    "container prune -f",
    "image prune -f",
    "image prune -af --filter until=1h",
    "pull nginx:1.27",
    "pull nginx",
    "pull -q nginx",
    "pull UP",
    "pull -a nginx:1",
    "load",
    "load -q",
    "load -i /nonexistent",
    "exec",
    "exec web",
    "logs nope",
    "attach nope",
    "exec nope true",
    "container rm",
    "tag nginx",
    "rm --nope x",
    "stop --time",
  ],
  "wrong command lines": [
    "help nope",
    "--log-level x ps",
    "-H a -H b ps",
    "container help",
    "events --format '{{.X'",
    "foo",
    "--nope",
    "--nope ps",
    "-H",
    "run",
    "run --nope x",
    "run -e",
    "run --memory",
    "run -m 5x x",
    "run --rm=x x",
    "container foo",
    "-l",
    "create",
    "ps --=x",
    "run -p abc x",
    "run UPPER",
    "run 'a b'",
    "create UPPER",
    "system --nope",
  ],
};

/** What differs on purpose: the program's name, and words of its own. */
function ours(text: string): string {
  return text
    .replace(/\bkeelson\b/g, "docker")
    .replace(/^WARNING: Error loading config file.*\n/gm, "")
    .replaceAll("SRun ", "Run ");
}

for (const [name, cases] of Object.entries(lines))
  describe(`as Docker's client: ${name}`, { skip, concurrency: 4 }, () => {
    for (const line of cases)
      test(line, async () => {
        const [docker, keelson] = await Promise.all([runDocker(words(line), engine), runKeelson(words(line), engine)]);
        assert.equal(keelson.stdout, docker.stdout);
        assert.equal(ours(keelson.stderr), ours(docker.stderr));
        assert.equal(keelson.code, docker.code);
        assert.deepEqual(changes(keelson), changes(docker));
      });
  });

/** The requests that change something; what is asked before them is each client's own affair. */
function changes({ seen }: Outcome): string[] {
  return seen
    .filter(({ line }) => !line.startsWith("GET ") && !line.endsWith("/wait"))
    .map(seenText)
    .sort();
}

/** A request as far as it matters: defaults that are sent or left out mean the same. */
function seenText({ line, query, body }: { line: string; query: URLSearchParams; body: unknown }): string {
  const pairs = [...query]
    .map(([name, value]) => [name, name === "filters" ? listed(value) : value] as const)
    .filter(([, value]) => !["", "0", "false", "{}"].includes(value))
    .sort();
  return `${line} ${JSON.stringify(pairs)} ${JSON.stringify(pruned(body))}`;
}

/** Filters as lists, sorted: the older form is a map of maps. */
function listed(text: string): string {
  const filters = Object.entries(JSON.parse(text) as Record<string, object>).sort(([a], [b]) => (a < b ? -1 : 1));
  return JSON.stringify(filters.map(([name, values]) => [name, Array.isArray(values) ? values : Object.keys(values)]));
}
