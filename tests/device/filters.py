"""Other apps' filters between the default output and a device: equalizers, loopbacks."""

import os
import re
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import soundlab

from entrain.platform.sandbox import Sandbox

SELF_LINKED = "easyeffects_sink"


@contextmanager
def loopback(server: Sandbox, name: str, target: str = "") -> Iterator[None]:
    """Run PipeWire's own loopback; it plays on `target`, or follows the default output."""
    sink = f"media.class=Audio/Sink node.name={name} node.description={name}"
    output = f"node.name={name}-out" + (f" target.object={target}" if target else "")
    process = subprocess.Popen(
        ["pw-loopback", f"--capture-props={sink}", f"--playback-props={output}"],
        env={**os.environ, **server.environment},
    )
    try:
        soundlab.wait_until(
            lambda: name in soundlab.sink_states(server.environment), 10, f"{name} is there"
        )
        yield
    finally:
        process.terminate()
        process.wait()


@contextmanager
def linking_itself(server: Sandbox, name: str = SELF_LINKED) -> Iterator[None]:
    """Imitate EasyEffects: a sink whose own app links it to the default output.

    The app never links the sink to itself: while it is the default, the first device is used.
    """
    properties = (
        f"{{ factory.name=support.null-audio-sink node.name={name} node.description=EasyEffects"
        " media.class=Audio/Sink audio.position=[FL FR] priority.session=0 priority.driver=0"
        " monitor.channel-volumes=true }"
    )
    program = subprocess.Popen(
        ["pw-cli"],
        env={**os.environ, **server.environment},
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        text=True,
    )
    assert program.stdin
    program.stdin.write(f"create-node adapter {properties}\n")
    program.stdin.flush()
    ended = threading.Event()
    thread = threading.Thread(target=_link, args=(server, name, program, ended))
    thread.start()
    try:
        soundlab.wait_until(lambda: links_of(server, name), 10, "it is linked")
        yield
    finally:
        ended.set()
        thread.join()
        program.kill()
        program.wait()
        program.stdin.close()


def _link(
    server: Sandbox, name: str, program: "subprocess.Popen[str]", ended: threading.Event
) -> None:
    assert program.stdin
    target = ""
    while not ended.is_set():
        default = soundlab.default_sink(server.environment)
        wanted = "speakers" if default == name else default
        ports = _ports(server)
        channels = ("FL", "FR")
        pairs = [(f"{name}:monitor_{c}", f"{wanted}:playback_{c}") for c in channels]
        if wanted != target and all(port in ports for pair in pairs for port in pair):
            for channel in channels if target else ():
                _unlink(server, f"{name}:monitor_{channel}", f"{target}:playback_{channel}")
            for pair in pairs:
                nodes = [ports[port] for port in pair]
                program.stdin.write("create-link {} {} {} {}\n".format(*nodes[0], *nodes[1]))
            program.stdin.flush()
            target = wanted
        time.sleep(0.02)


def _unlink(server: Sandbox, *ports: str) -> None:
    subprocess.run(
        ["pw-link", "--disconnect", *ports],
        env={**os.environ, **server.environment},
        stderr=subprocess.DEVNULL,
        check=False,  # the link may have vanished with its device
    )


def _ports(server: Sandbox) -> dict[str, tuple[str, str]]:
    """Return the numbers of each port's node and of the port; the key is "node:port", by name."""
    names = {}
    for item in _objects(server, "Node"):
        names[item[0]] = item[1].get("node.name", "")
    found = {}
    for number, properties in _objects(server, "Port"):
        node = properties.get("node.id", "")
        found[f"{names.get(node)}:{properties.get('port.name')}"] = (node, number)
    return found


def _objects(server: Sandbox, kind: str) -> list[tuple[str, dict[str, str]]]:
    text = soundlab.run(server.environment, "pw-cli", "ls", kind)
    return [
        (item.split(",", 1)[0], dict(re.findall(r'([\w.]+) = "(.*)"', item)))
        for item in text.split("\tid ")[1:]
    ]


def links_of(server: Sandbox, name: str) -> set[str]:
    """Return the nodes to which a sink's monitor, or a stream, is linked."""
    text = soundlab.run(server.environment, "pw-link", "--links", "--output")
    found = set()
    port = ""
    for line in text.splitlines():
        if not line.startswith(" "):
            port = line.partition(":")[0]
        elif port == name:
            found.add(line.partition("|-> ")[2].partition(":")[0])
    return found


def pins(server: Sandbox) -> list[str]:
    """Return the metadata lines about the targets of streams."""
    lines = soundlab.run(server.environment, "pw-metadata", "-n", "default").splitlines()
    return [line for line in lines if "'entrain.pin'" in line or "'target.object'" in line]


def aim(server: Sandbox, node: str, device: str) -> None:
    """Set a stream's target in the session manager; "" removes it."""
    number = next(
        number for number, properties in _objects(server, "Node") if properties["node.name"] == node
    )
    change = (number, "target.object", device) if device else ("-d", number, "target.object")
    soundlab.run(server.environment, "pw-metadata", *change)
