"""The sound is the same to the bit whether or not the bridge is killed, and the bridge comes back.

The engine is driven block by block, beside a real bridge, so that two runs can be compared.
"""

import asyncio
import os
import signal
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import numpy as np
import numpy.typing as npt
import osc_packets
import pytest
from osc_desk import HERE, LAYERS, end, free_ports, new_app

from entrain.engine import blocks
from entrain.platform import local_socket
from entrain.platform.folders import user_paths
from entrain.vdevice.api import messages
from entrain.vdevice.api.client import SOCKET_NAME
from entrain.vdevice.api.control_server import ControlServer
from entrain.vdevice.app import App

pytestmark = pytest.mark.usefixtures("home")

BACK_S = 3 * 2.0
"""The bridge should be back within 2 s; a busy machine may take longer."""
FRAMES = 480
MUSIC = np.random.default_rng(1).uniform(-0.1, 0.1, (2, FRAMES)).astype(np.float32)
Sound = npt.NDArray[np.float32]


@asynccontextmanager
async def served(folder: Path) -> AsyncIterator[App]:
    """Run an app whose engine the test drives, with its control socket and two layers."""
    app = new_app(folder)
    path = user_paths().runtime / SOCKET_NAME
    server = ControlServer(local_socket.claim(path, 32), app.hub, blocks)
    await server.start()
    app.bridge.begin()
    await app.hub.ask(messages.Use(protocol=LAYERS[0], layers=LAYERS[1:]))
    try:
        yield app
    finally:
        await app.bridge.close()
        await end(app, server)


async def played(app: App, count: int) -> list[Sound]:
    """Let some blocks sound; whatever the app has to do, it does between them."""
    sound = []
    for _ in range(count):
        sound.append(app.engine.process(MUSIC))
        await asyncio.sleep(0.001)
    return sound


def bridge_of(app: App) -> int:
    assert app.bridge._link
    return int(app.bridge._link[1]._transport.get_pid())


async def with_a_kill(folder: Path) -> tuple[Sound, Sound]:
    """Return the sound around a kill of the bridge, and after a value by OSC at the end."""
    port, feedback = free_ports(2)
    async with served(folder) as app:
        await app.hub.ask(messages.Osc(on=True, port=port, feedback_port=feedback))
        async with asyncio.timeout(20):
            while not app.osc.report.listening:
                await asyncio.sleep(0.01)
        sound = await played(app, 100)
        first = bridge_of(app)
        os.kill(first, signal.SIGKILL)
        async with asyncio.timeout(BACK_S):
            while not (app.osc.report.listening and app.bridge._link and bridge_of(app) != first):
                sound += await played(app, 1)
        sound += await played(app, 100)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
            packet = osc_packets.message("/entrain/tone/beat_hz", 4)
            sender.sendto(packet, (HERE, port))
        async with asyncio.timeout(20):
            while app.player.layers[0].params["beat_hz"] != 4:
                await asyncio.sleep(0.01)
        return np.concatenate(sound, axis=1), np.concatenate(await played(app, 100), axis=1)


async def without_a_bridge(folder: Path, frames: int) -> Sound:
    async with served(folder) as app:
        return np.concatenate(await played(app, frames // FRAMES), axis=1)


def test_the_sound_is_the_same_to_the_bit_when_the_bridge_is_killed(tmp_path):
    sound, after = asyncio.run(with_a_kill(tmp_path / "killed"))

    expected = asyncio.run(without_a_bridge(tmp_path / "quiet", sound.shape[1] + after.shape[1]))

    assert np.ptp(sound) > 0.1
    np.testing.assert_array_equal(sound, expected[:, : sound.shape[1]])
    # A value that OSC sets is heard in this comparison, so it would have found a change.
    assert np.any(after != expected[:, sound.shape[1] :])
