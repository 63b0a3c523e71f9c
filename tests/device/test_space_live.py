"""The space on real servers: it comes and goes without a click, and is not louder."""

import app
import numpy as np
import soundlab
from clicks import WINDOW
from measure import pink_noise
from scipy.signal import butter, sosfilt

# With the built-in head prepared first, on a busy machine.
PREPARED_S = 90
LEFT_HZ, RIGHT_HZ, SOFT_HZ = 400, 700, 11_000
OPTIONS = ("--protocol", "none", "--output", "headphones")
PERIOD = 480
"""Frames after which the music repeats, bit by bit."""


def music(seconds: int) -> soundlab.Frames:
    """Return a tone in each ear, and a soft one in the range that is searched for clicks."""
    period_s = PERIOD / soundlab.RATE_HZ
    period = soundlab.sine(SOFT_HZ, period_s, 0.001)
    for ear, hz in enumerate((LEFT_HZ, RIGHT_HZ)):
        period[:, ear] += soundlab.sine(hz, period_s, 0.1)[:, ear]
    return np.tile(period, (seconds * soundlab.RATE_HZ // PERIOD, 1))


def crosstalk_db(heard: soundlab.Frames) -> float:
    """Return how loud the left channel's tone is in the right ear, relative to the left ear."""
    left, right = (soundlab.tone_db(heard[:, [ear, ear]], LEFT_HZ) for ear in (0, 1))
    return right - left


def bursts_db(heard: soundlab.Frames) -> float:
    """Return how far the loudest moment exceeds the first and the last second, above 8 kHz."""
    high = sosfilt(butter(8, 8_000, "highpass", fs=soundlab.RATE_HZ, output="sos"), heard.T)
    high = high[:, soundlab.RATE_HZ // 2 :]
    high = high[:, : high.shape[1] // WINDOW * WINDOW].reshape(2, -1, WINDOW)
    windows = np.sqrt((high**2).mean(-1)).max(0)
    second = soundlab.RATE_HZ // WINDOW
    steady = max(windows[:second].max(), windows[-second:].max())
    return float(20 * np.log10(windows.max() / steady))


def test_the_space_comes_and_goes_without_a_click(server):
    """The head is prepared while music plays; the music goes on untouched meanwhile."""
    environment = server.environment
    with (
        app.running(environment, *OPTIONS, *app.PATIENT[server.kind]) as entrain,
        soundlab.play(environment, music(300)),
        soundlab.recording(environment, "headphones") as recorder,
    ):
        recorder.skip_to_now()
        soundlab.wait_until(lambda: crosstalk_db(recorder.take(1)) < -80, 20, "the music")
        untouched = recorder.take(1)

        assert entrain("space", "speakers").startswith("speakers: as from two loudspeakers")
        soundlab.wait_until(
            lambda: (
                recorder.take(0.2) is not None
                and entrain.status()["space"]["hrtf_in_use"] == "kemar"
            ),
            PREPARED_S,
            "the built-in head",
        )
        soundlab.wait_until(lambda: crosstalk_db(recorder.take(1)) > -20, 10, "the loudspeakers")

        # A click is in each attempt; a gap of a busy machine is not.
        for former, mode in (("speakers", "off"), ("off", "scene"), ("scene", "speakers")):
            bursts = []
            for _ in range(5):
                entrain("space", former)
                recorder.skip_to_now()
                recorder.take(0.5)
                before = recorder.take(2)
                entrain("space", mode)
                bursts.append(bursts_db(np.concatenate([before, recorder.take(4)])))
                if bursts[-1] < 3.0:
                    break
            assert min(bursts) < 3.0, (former, mode, bursts)

        entrain("space", "off")
        recorder.skip_to_now()
        recorder.take(1)
        soundlab.wait_until(lambda: crosstalk_db(recorder.take(1)) < -80, 20, "no space")
        again = recorder.take(1)
        if server.kind == "pipewire":  # with PulseAudio, two clocks lie between
            assert share_untouched(untouched) > 0.9  # the rest: gaps of a busy machine
            assert share_untouched(again) > 0.9


def share_untouched(heard: soundlab.Frames) -> float:
    """Return the share of the recording that is the music, bit by bit."""
    period = music(1)[:PERIOD]
    periods = heard[: len(heard) // PERIOD * PERIOD].reshape(-1, PERIOD, 2)
    equal = [
        (periods == np.roll(period, shift, axis=0)).all(axis=(1, 2)) for shift in range(PERIOD)
    ]
    return float(np.any(equal, axis=0).mean())


def test_the_space_is_not_louder(server):
    environment = server.environment
    with (
        app.running(environment, *OPTIONS, *app.PATIENT[server.kind]) as entrain,
        soundlab.play(environment, pink_noise(150, rms=0.05).T),
    ):
        entrain("space", "speakers")
        soundlab.wait_until(
            lambda: entrain.status()["space"]["hrtf_in_use"] == "kemar", PREPARED_S, "the head"
        )
        for mode in ("speakers", "scene"):
            entrain("space", mode)
            # The meters look back for three seconds.
            start_s = entrain.status()["protocol"]["elapsed_s"]
            soundlab.wait_until(
                lambda begin=start_s: entrain.status()["protocol"]["elapsed_s"] > begin + 4,
                20,
                "four seconds",
            )
            levels = entrain.status()["levels"]
            assert levels["out_lufs"] - levels["in_lufs"] < 0.5, mode
            assert levels["out_lufs"] - levels["in_lufs"] > -6, mode
