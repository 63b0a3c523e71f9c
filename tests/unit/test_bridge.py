"""The bridge: it starts, changes and ends its parts as it is ordered, in its own process."""

import json
import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import osc_packets
import pytest
from osc_desk import free_port, free_ports

TRACKING = {"port": 9000, "lan": False, "preset": "standard", "invert": []}


class Bridge:
    """A bridge without an app."""

    def __init__(self, link: socket.socket, process: "subprocess.Popen[str]") -> None:
        self.link, self.process = link, process

    def order(self, **parts: Any) -> None:
        self.link.sendall(json.dumps(parts).encode() + b"\n")

    def report(self) -> dict[str, Any]:
        assert self.process.stdout
        return dict(json.loads(self.process.stdout.readline()))

    def modules(self) -> str:
        """Return what the process has mapped and opened."""
        return Path(f"/proc/{self.process.pid}/maps").read_text()


@pytest.fixture
def bridge(tmp_path: Path) -> Iterator[Bridge]:
    with started(tmp_path) as found:
        yield found


@contextmanager
def started(folder: Path, *options: str) -> Iterator[Bridge]:
    ours, theirs = socket.socketpair()
    command = [sys.executable, "-P", *options, "-m", "entrain.vdevice.bridge"]
    with (
        ours,
        subprocess.Popen(
            [*command, str(folder / "control.sock")],
            stdin=theirs,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE if options else None,
            text=True,
        ) as process,
    ):
        theirs.close()
        ours.settimeout(10)
        try:
            yield Bridge(ours, process)
        finally:
            process.kill()


def pose_at(port: int, yaw_deg: float = 30.0) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        sender.sendto(osc_packets.message("/ypr", yaw_deg, 0.0, 0.0), ("127.0.0.1", port))


def test_poses_come_from_the_port_that_is_ordered_last(bridge):
    first, second = free_ports(2)
    bridge.order(tracking=[1, {**TRACKING, "port": first}])
    assert first in bridge.report()["report"]["listening"]
    bridge.order(tracking=[2, {**TRACKING, "port": second}])
    report = bridge.report()
    assert (report["part"], report["number"]) == ("tracking", 2)
    assert second in report["report"]["listening"]
    assert first not in report["report"]["listening"]
    pose_at(second)
    assert len(bridge.link.recv(1000)) == 32


def test_another_part_leaves_head_tracking_alone(bridge):
    port, own, feedback = free_ports(3)
    tracking = [1, {**TRACKING, "port": port}]
    bridge.order(tracking=tracking)
    assert port in bridge.report()["report"]["listening"]
    osc = {"port": own, "feedback_port": feedback, "listen": "127.0.0.1"}
    for number in range(1, 4):
        bridge.order(tracking=tracking, osc=[number, osc])
        pose_at(port, 10.0 * number)  # a head that keeps still sends less
        assert len(bridge.link.recv(1000)) == 32
        bridge.order(tracking=tracking)


def bind_soon(listening: socket.socket, port: int) -> None:
    """Bind a port as soon as the bridge of another test has left it."""
    until_s = time.monotonic() + 20
    while True:
        try:
            listening.bind(("127.0.0.1", port))
        except OSError:
            assert time.monotonic() < until_s, f"another app uses port {port}"
            time.sleep(0.05)
        else:
            return


def test_a_port_that_another_app_uses_is_reported_and_opened_later(bridge):
    port = free_port()
    with (
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as first,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as second,
    ):
        first.bind(("127.0.0.1", port))
        bind_soon(second, 4242)
        bridge.order(tracking=[1, {**TRACKING, "port": port}])
        report = bridge.report()["report"]
        assert report["listening"] == []
        assert f"another app uses UDP port {port}" in report["problem"]
    report = bridge.report()["report"]
    assert port in report["listening"]
    assert report["problem"] == ""


@pytest.mark.parametrize("parts", [{}, {"tracking": [1, TRACKING]}, {"osc": [1, {}]}])
def test_it_ends_with_the_app(bridge, parts):
    bridge.order(**parts)
    if "osc" in parts:  # settings that are missing
        assert "internal error: KeyError" in bridge.report()["report"]["problem"]
    bridge.link.close()
    assert bridge.process.wait(10) == 0


def test_interrupts_at_the_terminal_are_for_the_app_alone(bridge):
    port = free_port()
    bridge.order(tracking=[1, {**TRACKING, "port": port}])
    bridge.report()
    os.kill(bridge.process.pid, 2)
    pose_at(port)
    assert len(bridge.link.recv(1000)) == 32


def test_what_is_not_wanted_is_not_imported(tmp_path):
    """Neither pydantic nor a part that is off."""
    with started(tmp_path, "-X", "importtime") as bridge:
        bridge.order(tracking=[1, {**TRACKING, "port": free_port()}])
        bridge.report()
        bridge.link.close()
        _, errors = bridge.process.communicate(timeout=20)
    imported = set(re.findall(r"\|\s*([\w.]+)$", errors, re.M))
    assert "entrain.vdevice.bridge.tracking.tracker" in imported
    heavy = {"pydantic", "numpy", "click", "cffi", "entrain.engine", "argparse"}
    assert not imported & heavy
    assert not [each for each in imported if each.startswith("entrain.vdevice.bridge.osc.")]
    assert "entrain.vdevice.bridge.control_link" not in imported
