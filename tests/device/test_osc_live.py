"""OSC messages change the sound at the device; the process that hears them lives with the app."""

import json
import os
import re
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import app
import measure
import numpy as np
import osc_packets
import processes
import pytest
import soundlab
from needs import skip_without_programs
from osc_desk import free_port, free_ports, now_tag

LAYER = "tone=binaural:carrier_hz=400,beat_hz=10,floor_db=-20,ceiling_db=-20"


@dataclass
class Ports:
    """UDP ports; another app may take Entrain's before Entrain does, and then it changes."""

    entrain: int
    program: int
    """The other program's."""


@pytest.fixture
def ports() -> Ports:
    return Ports(*free_ports(2))


def switch_on(entrain: app.App, ports: Ports) -> None:
    """Let Entrain listen, at another port if another app uses this one by now."""
    for _ in range(5):
        ways = ("--port", str(ports.entrain), "--feedback-port", str(ports.program))
        done = app.command(entrain.environment, "osc", "on", *ways)
        if "another app uses UDP port" not in done.stderr:
            break
        ports.entrain = free_port()
    assert f"it listens on UDP port {ports.entrain} of this computer alone" in done.stdout


def bridge_of(entrain: app.App) -> int | None:
    """Return the bridge's process, if it runs."""
    for child in processes.children(entrain.pid):
        if b"entrain.vdevice.bridge" in processes.command_line(child):
            return child
    return None


def need_liblo() -> None:
    skip_without_programs("oscsend", "oscdump")


@pytest.fixture
def send(ports) -> Iterator[Callable[[bytes], object]]:
    """Send a packet."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        yield lambda packet: sender.sendto(packet, ("127.0.0.1", ports.entrain))


@pytest.fixture
def oscsend(ports) -> Callable[..., None]:
    """Send a message with liblo's program."""
    need_liblo()

    def send(address: str, types: str = "", *values: object) -> None:
        subprocess.run(
            ["oscsend", "127.0.0.1", str(ports.entrain), address, types, *map(str, values)],
            check=True,
            timeout=10,
        )

    return send


class Dump:
    """The lines that liblo's `oscdump` prints, without their times."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self.lines: list[str] = []
        self._process = process
        self._thread = threading.Thread(target=self._read)
        self._thread.start()

    def _read(self) -> None:
        assert self._process.stdout
        for line in self._process.stdout:
            self.lines.append(line.partition(" ")[2].strip())

    def wait_for(self, pattern: str) -> "re.Match[str]":
        """Wait for a line of this form."""

        def found() -> "re.Match[str] | None":
            matches = (re.fullmatch(pattern, line) for line in list(self.lines))
            return next(filter(None, matches), None)

        return soundlab.wait_until(found, 10, f"a line {pattern} in {self.lines[-20:]}")

    def end(self) -> None:
        self._process.terminate()
        self._process.wait(10)
        self._thread.join()


@pytest.fixture
def oscdump(ports) -> Iterator[Dump]:
    """Print what Entrain sends with liblo's program."""
    need_liblo()
    command = ["oscdump", "-L", str(ports.program)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        dump = Dump(process)
        try:
            yield dump
        finally:
            dump.end()


def test_a_message_changes_the_beat_at_the_device(any_server, ports, oscsend, send):
    """Both ears' tones, and so the beat, are right within 0.1 Hz."""
    environment = any_server.environment

    def is_beating(beat_hz: float) -> bool:
        return measure.is_beating(recorder.take(1), 400, beat_hz)

    with (
        app.running(environment, "--layer", LAYER, *app.PATIENT[any_server.kind]) as entrain,
        soundlab.recording(environment, "speakers") as recorder,
        soundlab.play(environment, soundlab.sine(1000, 60, 0.1)),
    ):
        switch_on(entrain, ports)
        soundlab.wait_until(lambda: np.any(recorder.take(0.05)), 10, "sound arrives")
        soundlab.wait_until(lambda: is_beating(10), 10, "10 Hz")
        oscsend("/entrain/tone/beat_hz", "f", 4)
        soundlab.wait_until(lambda: is_beating(4), 10, "4 Hz")
        oscsend("/entrain/*/beat_hz", "i", 6)
        soundlab.wait_until(lambda: is_beating(6), 10, "6 Hz")
        packet = bytearray(osc_packets.bundle(osc_packets.message("/entrain/tone/beat_hz", 8.0)))
        packet[8:16] = now_tag(3).to_bytes(8, "big")
        begin_s = time.monotonic()
        send(packet)
        soundlab.wait_until(lambda: is_beating(8), 15, "8 Hz")
        assert time.monotonic() - begin_s > 3
        send(osc_packets.bundle(osc_packets.message("/entrain/tone/beat_hz", 5.0)))
        soundlab.wait_until(lambda: is_beating(5), 10, "5 Hz, at once")


def test_answers_are_as_in_fausts_manual(any_server, ports, oscsend, oscdump):
    with app.running(any_server.environment, "--layer", LAYER) as entrain:
        switch_on(entrain, ports)
        port, out = ports.entrain, ports.program
        oscsend("/*", "s", "hello")
        oscdump.wait_for(rf'/entrain siii "127.0.0.1" {port} {out} {out + 1}')
        oscsend("/entrain", "s", "get")
        oscdump.wait_for('/entrain sF "xmit" #F')
        oscdump.wait_for('/entrain ss "desthost" "127.0.0.1"')
        oscdump.wait_for(f'/entrain si "outport" {out}')
        oscdump.wait_for("/entrain/tone/beat_hz fff 10.000000 -200.000000 200.000000")
        oscsend("/entrain/tone/beat_hz", "f", 7.5)
        oscsend("/entrain/tone/beat_hz", "s", "get")
        oscdump.wait_for("/entrain/tone/beat_hz fff 7.500000 -200.000000 200.000000")
        oscsend("/entrain", "s", "json")
        text = oscdump.wait_for(r'/entrain ss "json" "(.*)"')[1]
        assert json.loads(text)["ui"][0]["label"] == "entrain"

        oscsend("/entrain", "si", "xmit", 1)
        oscdump.wait_for("/entrain/tone/beat_hz f 7.500000")
        assert soundlab.wait_until(lambda: entrain.status()["osc"]["clients"], 5, "a client") == 1
        entrain("set", "tone.beat_hz", "6")
        oscdump.wait_for("/entrain/tone/beat_hz f 6.000000")
        entrain("bypass", "on")
        oscdump.wait_for("/entrain/bypass i 1")
        oscsend("/entrain/undo")
        oscdump.wait_for(r"/entrain/redo s .+")
        entrain("use", "focus-16")
        oscdump.wait_for('/entrain/use s "focus-16"')
        oscsend("/entrain", "si", "xmit", 0)
        soundlab.wait_until(lambda: entrain.status()["osc"]["clients"] == 0, 5, "no client")
        osc = entrain.status()["osc"]
        assert (osc["refused"], osc["problem"]) == (0, "")


def test_measurements_and_levels_are_sent(any_server, ports, oscsend, oscdump):
    environment = any_server.environment
    with (
        app.running(environment, "--layer", LAYER, *app.PATIENT[any_server.kind]) as entrain,
        soundlab.play(environment, soundlab.sine(1000, 60, 0.1)),
    ):
        switch_on(entrain, ports)
        oscsend("/entrain", "si", "xmit", 1)

        def latest(address: str) -> float:
            lines = [line for line in oscdump.lines if line.startswith(f"{address} f ")]
            return float(lines[-1].split()[-1]) if lines else 0.0

        def is_measured() -> bool:
            return abs(latest("/entrain/measured/beat_hz") - 10) < 0.05

        soundlab.wait_until(is_measured, 15, "10 Hz is measured")
        soundlab.wait_until(
            lambda: -40 < latest("/entrain/levels/in_db") < -10, 10, "the level of the input"
        )


def test_a_flood_and_hostile_packets_neither_end_the_bridge_nor_change_values(
    any_server, ports, send
):
    with app.running(any_server.environment, "--layer", LAYER) as entrain:
        switch_on(entrain, ports)
        before = bridge_of(entrain)
        values = entrain.status()["protocol"]["layers"][0]["params"]
        nan = float("nan")
        hostile = (
            b"",
            b"#bundle\0" * 1000,
            os.urandom(1000),
            bytes(65_000),
            osc_packets.message("/entrain/tone/beat_hz", nan),
            osc_packets.message("/entrain/*/*", float("inf")),
            osc_packets.message("/entrain/" + "*a" * 50, 1.0),
            b"/entrain/\xff\xfe\0\0,f\0\0\0\0\0\0",
        )
        for rounds in (1, 2):  # no more at a time than a socket holds
            for packet in hostile:
                send(packet)
            all_of_them = rounds * len(hostile)
            soundlab.wait_until(
                lambda: entrain.status()["osc"]["refused"] == all_of_them,  # noqa: B023
                10,
                "all are counted",
            )
        assert entrain.status()["protocol"]["layers"][0]["params"] == values
        for number in range(5000):
            send(osc_packets.message("/entrain/tone/beat_hz", number / 1000))

        def has_the_last_value() -> bool:
            send(osc_packets.message("/entrain/tone/beat_hz", 7.0))  # others may have been lost
            return bool(entrain.status()["protocol"]["layers"][0]["params"]["beat_hz"] == 7)

        soundlab.wait_until(has_the_last_value, 10, "the last value")
        assert bridge_of(entrain) == before
        assert before is not None
        assert pss_kb(before) < 20_000


def pss_kb(process: int) -> int:
    text = Path(f"/proc/{process}/smaps_rollup").read_text()
    found = re.search(r"^Pss: +(\d+) kB", text, re.M)
    assert found
    return int(found[1])


def test_the_bridge_lives_and_dies_with_the_app(any_server, ports):
    with app.running(any_server.environment) as entrain:
        entrain.wait_for_output("speakers")
        switch_on(entrain, ports)
        first = bridge_of(entrain)
        assert first is not None
        entrain("head", "on", "--port", str(free_port()))
        soundlab.wait_until(lambda: entrain.status()["head"]["listening"], 5, "trackers are heard")
        assert bridge_of(entrain) == first

        os.kill(first, signal.SIGKILL)
        soundlab.wait_until(lambda: bridge_of(entrain) not in (None, first), 5, "another process")
        soundlab.wait_until(lambda: entrain.status()["osc"]["listening"], 5, "it listens")
        second = bridge_of(entrain)
        assert second is not None

        entrain("osc", "off")
        assert bridge_of(entrain) == second
        entrain("head", "off")
        soundlab.wait_until(lambda: bridge_of(entrain) is None, 5, "it ends")
        switch_on(entrain, ports)
        third = bridge_of(entrain)
        assert third is not None
        os.kill(third, signal.SIGSTOP)  # a stopped process cannot notice the end by itself
        entrain.kill()
        soundlab.wait_until(lambda: not processes.executable(third), 5, "it ends with the app")


def test_a_bridge_that_is_stopped_is_started_again(any_server, ports):
    with app.running(any_server.environment) as entrain:
        switch_on(entrain, ports)
        first = bridge_of(entrain)
        assert first is not None
        os.kill(first, signal.SIGSTOP)
        soundlab.wait_until(lambda: bridge_of(entrain) not in (None, first), 15, "another process")
        soundlab.wait_until(lambda: entrain.status()["osc"]["listening"], 10, "it listens")


def test_a_monitor_shows_what_arrives_until_ctrl_c(any_server, ports, send):
    with app.running(any_server.environment, "--layer", LAYER) as entrain:
        switch_on(entrain, ports)
        with app.monitor(entrain, "osc") as monitor:
            assert "it listens on" in monitor.begin
            lines: list[str] = []
            reading = threading.Thread(target=lambda: lines.append(monitor.line()))
            reading.start()

            def is_shown() -> bool:
                send(osc_packets.message("/entrain/tone/beat", 4.5))  # it may not watch yet
                return bool(lines)

            soundlab.wait_until(is_shown, 10, "a line")
            reading.join()
            assert lines == [
                "127.0.0.1  /entrain/tone/beat 4.5  → refused: there is no such address; did you "
                "mean /entrain/tone/beat_hz?\n"
            ]
            assert monitor.end() == 130


def test_a_port_that_another_app_uses_makes_on_fail_and_is_taken_when_it_is_free(any_server, ports):
    with app.running(any_server.environment) as entrain:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
            other.bind(("127.0.0.1", ports.entrain))
            done = app.command(entrain.environment, "osc", "on", "--port", str(ports.entrain))
            assert (done.returncode, done.stdout) == (1, "")
            assert f"another app uses UDP port {ports.entrain}" in done.stderr
            assert entrain.status()["osc"]["on"]
        soundlab.wait_until(lambda: entrain.status()["osc"]["listening"], 15, "it listens")


def test_settings_are_kept(any_server, ports):
    with app.running(any_server.environment) as entrain:
        switch_on(entrain, ports)
        assert entrain.quit() == 0
    with app.running(any_server.environment) as entrain:
        soundlab.wait_until(lambda: entrain.status()["osc"]["listening"], 5, "it listens again")
        osc = entrain.status()["osc"]
        assert (osc["port"], osc["feedback_port"]) == (ports.entrain, ports.program)
