"""A listener who runs Entrain with its icon, plays a tone through it and records the device."""

import json
import os
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import app
import numpy as np
import soundlab
from measure import levels_db

from entrain.platform.sandbox import Sandbox, VirtualDevice
from entrain.vdevice.api.client import SOCKET_NAME, Client

SPEAKERS = VirtualDevice("speakers", "Speakers", 1000)
"""The device that the listener records."""

INPUT_HZ, INPUT_DB = 1000, -23.0
INPUT_S = 300
TONE_DB = -20.0
TONES_HZ = {"Low tone": 405, "High tone": 605}
"""The listener's own protocols, each with the frequency of its tone in the left ear."""


class Listener:
    """A running Entrain and a recording of its device; `listening` makes it."""

    def __init__(self, entrain: app.App, recorder: soundlab.Recorder, file: Path) -> None:
        self.entrain = entrain
        self._recorder = recorder
        self._file = file
        self._socket = Path(entrain.environment["XDG_RUNTIME_DIR"]) / "entrain" / SOCKET_NAME

    def ask(self, command: str, **fields: object) -> None:
        """Send a request to Entrain, quicker than through its command line."""
        with Client(self._socket) as client:
            client.ask(command, **fields)

    def said(self) -> list[str]:
        """Return the lines that Entrain has printed so far, including errors."""
        return self._file.read_text(encoding="utf-8").splitlines()

    def begin_afresh(self) -> None:
        """Select the low tone, without bypass."""
        self.ask("use", protocol="low-tone")
        self.ask("on")
        self.ask("bypass", on=False)
        self.wait_for_tone("Low tone")

    def wait_for_tone(self, name: str) -> None:
        """Wait until the input is heard with only this protocol's tone; "" means no tone."""
        levels: list[float] = []

        def is_heard() -> bool:
            heard = self._recorder.take(0.5)[:, 0]
            levels[:] = levels_db(heard, [INPUT_HZ, *TONES_HZ.values()])
            return levels[0] > INPUT_DB - 10 and all(
                abs(level - TONE_DB) < 0.5 if each == name else level < -70
                for each, level in zip(TONES_HZ, levels[1:], strict=True)
            )

        self._recorder.skip_to_now()
        try:
            soundlab.wait_until(is_heard, 30, name or "no tone")
        except AssertionError as error:
            raise AssertionError(f"{error}; heard were {levels} dB") from None


@contextmanager
def listening(server: Sandbox, environment: Mapping[str, str]) -> Iterator[Listener]:
    """Run Entrain with its icon, on, while an app plays to the default output.

    When the block begins, the low tone is heard.  Entrain must end well.
    """
    environment = {**os.environ, **environment, **server.environment, "PYTHONUNBUFFERED": "1"}
    _make_protocols(Path(environment["XDG_DATA_HOME"]))
    if server.kind == "pipewire":
        # With such long cycles, a machine may pause for a tenth of a second without a gap.
        soundlab.force_quantum(server.environment, 8192)
    file = Path(environment["HOME"]) / "said"
    source = np.tile(soundlab.sine(INPUT_HZ, 1, 0.1), (INPUT_S, 1))
    with (
        _running(environment, file, *app.PATIENT[server.kind]) as entrain,
        soundlab.recording(environment, "speakers") as recorder,
    ):
        listener = Listener(entrain, recorder, file)
        listener.ask("on")
        soundlab.wait_until(
            lambda: soundlab.default_sink(environment) == "entrain", 10, "Entrain is the default"
        )
        # The app plays to the default output, so it follows when the default changes.
        with soundlab.play(environment, source, sink="", latency_ms=400):
            listener.begin_afresh()
            yield listener
            assert entrain.quit() == 0
    assert "Traceback" not in "\n".join(listener.said())


@contextmanager
def _running(environment: dict[str, str], file: Path, *options: str) -> Iterator[app.App]:
    with file.open("w") as output:
        process = subprocess.Popen(
            [*app.ENTRAIN, "run", *options],
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            text=True,
        )
    try:
        soundlab.wait_until(file.read_text, 15, "a greeting")
        yield app.App(process, environment)
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()


def _make_protocols(data: Path) -> None:
    folder = data / "entrain/protocols"
    folder.mkdir(parents=True, exist_ok=True)
    for name, left_hz in TONES_HZ.items():
        level = {"floor_db": TONE_DB, "ceiling_db": TONE_DB}
        params = {"carrier_hz": left_hz - 5, "beat_hz": 10, **level}
        number = name.lower().replace(" ", "-")
        protocol = {
            "schema_version": 2,
            "id": number,
            "name": name,
            "layers": [{"kind": "binaural", "id": "tone", "params": params}],
        }
        (folder / f"{number}.json").write_text(json.dumps(protocol), encoding="utf-8")
