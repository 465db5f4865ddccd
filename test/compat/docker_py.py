"""docker-py against the daemon named on the command line. Prints `all well`, or fails at the first difference."""

import sys

import docker

client = docker.DockerClient(base_url=sys.argv[1])


def check(what, got, wanted):
    if got != wanted:
        sys.exit(f"{what}: got {got!r}, wanted {wanted!r}")


def fails(what, kind, call):
    try:
        call()
    except kind as error:
        return error
    sys.exit(f"{what}: did not fail with {kind.__name__}")


check("ping", client.ping(), True)
check("run", client.containers.run("busybox", "echo hello", remove=True), b"hello\n")

box = client.containers.run(
    "busybox",
    ["sh", "-c", "echo a; echo b >&2; sleep 100"],
    detach=True,
    name="dpy",
    ports={"80/tcp": None},
    environment={"A": "b"},
    labels={"l": "1"},
)
box.reload()
check("status", box.status, "running")
check("labels", box.labels, {"l": "1"})
bindings = box.ports["80/tcp"]
check("same port on IPv4 and IPv6", len({b["HostPort"] for b in bindings}), 1)
check("addresses", sorted(b["HostIp"] for b in bindings), ["0.0.0.0", "::"])
check("exec", tuple(box.exec_run("echo hi")), (0, b"hi\n"))
check("exec code", box.exec_run(["sh", "-c", "exit 3"]).exit_code, 3)
check("exec demux", box.exec_run(["sh", "-c", "echo out; echo err >&2"], demux=True).output, (b"out\n", b"err\n"))
check("top", box.top()["Titles"][1], "PID")
check("list", [c.name for c in client.containers.list(filters={"label": "l=1"})], ["dpy"])
box.attach_socket(params={"stdin": 1, "stream": 1, "stdout": 1}).close()
box.rename("dpy2")
box.reload()
check("rename", box.name, "dpy2")
box.stop(timeout=1)
check("wait", box.wait()["StatusCode"], 137)
box.restart(timeout=0)
box.reload()
check("restart", box.status, "running")
box.kill()
check("kill", box.wait()["StatusCode"], 137)
box.remove()

check("not found", fails("get", docker.errors.NotFound, lambda: client.containers.get("nope")).status_code, 404)
failed = fails("false", docker.errors.ContainerError, lambda: client.containers.run("busybox", "false", remove=True))
check("exit status", failed.exit_status, 1)
missing = fails("nope", docker.errors.APIError, lambda: client.containers.run("busybox", "nope", remove=True))
check("command not found", missing.status_code, 400)

volume = client.volumes.create("dpyvol")
check("volume driver", volume.attrs["Driver"], "local")
volume.remove()
check("networks", sorted(n.name for n in client.networks.list()), ["bridge", "host", "none"])
image = client.images.get("busybox")
check("tags", image.tags, ["busybox:latest"])
image.tag("foo/bar", "x")
client.images.remove("foo/bar:x")
check("info", client.info()["OSType"], "linux")
check("df", "LayersSize" in client.df(), True)

events = client.events(decode=True, filters={"container": "evx"})
client.containers.run("busybox", "true", name="evx", remove=True)
check("events", [next(events)["Action"] for _ in range(4)], ["create", "start", "die", "destroy"])
print("all well")
