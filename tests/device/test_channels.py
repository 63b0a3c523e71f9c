"""Tests that input with any number of channels is accepted, and at which level each is heard.

The sink has two channels, so that players which can mix down by themselves do so.  For other
players, the sound server mixes down, by its own rule.
"""

from math import sqrt

import app
import numpy as np
import pytest
import soundlab
from measure import levels_db
from running_device import running_program

AMPLITUDE = 0.05
SECONDS = 60
MOST_PIECES = 100
LEFT = ("front-left", "rear-left", "side-left")
RIGHT = ("front-right", "rear-right", "side-right")
LAYOUTS = {
    "mono": ("mono",),
    "stereo": ("front-left", "front-right"),
    "5.1": ("front-left", "front-right", "front-center", "lfe", "rear-left", "rear-right"),
    "5.1-side": ("front-left", "front-right", "front-center", "lfe", "side-left", "side-right"),
    "7.1": (
        *("front-left", "front-right", "front-center", "lfe"),
        *("rear-left", "rear-right", "side-left", "side-right"),
    ),
}


def pipewire_gain(channel, layout):
    """Return a channel's gain by ITU-R BS.775, with LFE at half of the centre's gain."""
    if channel == "front-center" or channel.startswith(("rear", "side")):
        return sqrt(0.5)
    return sqrt(0.5) / 2 if channel == "lfe" else 1.0


def pulse_gain(channel, layout):
    """Return a channel's gain: front 1, centre 1/2, all surround 1/9, scaled to a sum of 1."""
    if layout in ("mono", "stereo"):
        return 1.0
    surround = sum(name.startswith(("rear", "side")) for name in LAYOUTS[layout]) / 2
    weight = {"front": 1.0, "lfe": 0.0, "rear": 1 / 9 / surround, "side": 1 / 9 / surround}
    own = 0.5 if channel == "front-center" else weight[channel.split("-")[0]]
    return own / (1 + 0.5 + 1 / 9)


GAIN = {"pipewire": pipewire_gain, "pulse": pulse_gain}


def write_tones(path, layout):
    """Write sound with a different tone in each channel; returns the tones by channel."""
    tones_hz = {channel: 500 + 200 * i for i, channel in enumerate(LAYOUTS[layout])}
    time_s = np.arange(soundlab.RATE_HZ * SECONDS) / soundlab.RATE_HZ
    sound = [AMPLITUDE * np.sin(2 * np.pi * hz * time_s) for hz in tones_hz.values()]
    path.write_bytes(np.stack(sound, axis=1).astype(np.float32).tobytes())
    return tones_hz


def play_command(path, tones_hz):
    """Return the command that plays that sound to Entrain."""
    return (
        *("pacat", "--playback", "--device=entrain", "--raw", "--format=float32le"),
        *(f"--rate={soundlab.RATE_HZ}", "--latency-msec=200"),
        *(f"--channels={len(tones_hz)}", f"--channel-map={','.join(tones_hz)}", str(path)),
    )


def expected(server, layout):
    """Return the gain of each channel for both ears."""
    gains = {}
    for channel in LAYOUTS[layout]:
        gain = GAIN[server.kind](channel, layout)
        both = (0.0 if channel in RIGHT else gain, 0.0 if channel in LEFT else gain)
        gains[channel] = pytest.approx(both, rel=0.01, abs=0.001)
    return gains


def gains_of(heard, tones_hz):
    """Measure the gain of each channel for both ears."""
    ears = [levels_db(heard[:, ear], list(tones_hz.values())) for ear in (0, 1)]
    gains = 10 ** (np.array(ears).T / 20) * sqrt(2) / AMPLITUDE
    return dict(zip(tones_hz, map(tuple, gains), strict=True))


@pytest.mark.slow
def test_every_channel_is_heard_on_its_side(server, home):
    """Each channel has the level of the server's rule; mono is on both ears, stereo unchanged."""
    file = home / "tones"
    with (
        app.running(server.environment, *app.PATIENT[server.kind]) as entrain,
        soundlab.recording(server.environment, "speakers") as recorder,
    ):
        entrain("bypass", "on")
        for layout in LAYOUTS:
            tones_hz = write_tones(file, layout)
            wanted = expected(server, layout)
            with running_program(server, *play_command(file, tones_hz)):
                entrain.wait_for(state="bypassed")
                recorder.skip_to_now()
                # A fade or a busy machine's gap spoils a piece: try until one is right.
                for _ in range(MOST_PIECES):
                    heard = gains_of(recorder.take(0.25), tones_hz)
                    if heard == wanted:
                        break
            assert heard == wanted, layout
