"""Someone who has Entrain running with its icon, plays something to it and listens."""

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
"""What the listener listens to."""

PROGRAMME_HZ, PROGRAMME_DB = 1000, -23.0
PROGRAMME_S = 300
TONE_DB = -20.0
TONES_HZ = {"Low tone": 405, "High tone": 605}
"""The listener's own protocols, and what each of them puts into the left ear."""


class Listener:
    """Made by `listening`."""

    def __init__(self, entrain: app.App, recorder: soundlab.Recorder, file: Path) -> None:
        self.entrain = entrain
        self._recorder = recorder
        self._file = file
        self._socket = Path(entrain.environment["XDG_RUNTIME_DIR"]) / "entrain" / SOCKET_NAME

    def ask(self, command: str, **fields: object) -> None:
        """Ask Entrain for something, quicker than its command line does."""
        with Client(self._socket) as client:
            client.ask(command, **fields)

    def said(self) -> list[str]:
        """Return the lines that Entrain has printed so far, errors as well."""
        return self._file.read_text(encoding="utf-8").splitlines()

    def begin_afresh(self) -> None:
        """Have the low tone, not bypassed."""
        self.ask("use", protocol="low-tone")
        self.ask("on")
        self.ask("bypass", on=False)
        self.wait_for_tone("Low tone")

    def wait_for_tone(self, name: str) -> None:
        """Wait until the programme is heard with this protocol's tone and no other; "" for none."""
        levels: list[float] = []

        def is_heard() -> bool:
            heard = self._recorder.take(0.5)[:, 0]
            levels[:] = levels_db(heard, [PROGRAMME_HZ, *TONES_HZ.values()])
            return levels[0] > PROGRAMME_DB - 10 and all(
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
    """Run Entrain with its icon, on, while a programme plays to the default output.

    When the block begins, the low tone is heard.  Entrain must end well.
    """
    environment = {**os.environ, **environment, **server.environment, "PYTHONUNBUFFERED": "1"}
    _make_protocols(Path(environment["XDG_DATA_HOME"]))
    if server.kind == "pipewire":
        # A machine that stands still for a tenth of a second then breaks no sound by itself.
        soundlab.force_quantum(server.environment, 8192)
    file = Path(environment["HOME"]) / "said"
    programme = np.tile(soundlab.sine(PROGRAMME_HZ, 1, 0.1), (PROGRAMME_S, 1))
    with (
        _running(environment, file, *app.PATIENT[server.kind]) as entrain,
        soundlab.recording(environment, "speakers") as recorder,
    ):
        listener = Listener(entrain, recorder, file)
        listener.ask("on")
        soundlab.wait_until(
            lambda: soundlab.default_sink(environment) == "entrain", 10, "Entrain is the default"
        )
        # Who plays to the default follows it; who has asked for Entrain by name would stay there.
        with soundlab.play(environment, programme, sink="", latency_ms=400):
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
