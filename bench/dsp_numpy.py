"""The protocol ``focus`` in numpy and scipy, as operations on whole arrays."""

from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import ndimage, signal

Sound = npt.NDArray[Any]


class Filter:
    """Second-order sections that keep their state, for two channels."""

    def __init__(self, sections: Sound) -> None:
        self._sections = sections
        self._state = np.zeros((len(sections), 2, 2))

    def __call__(self, block: Sound) -> Sound:
        out, self._state = signal.sosfilt(self._sections, block, zi=self._state)
        return np.asarray(out)


class Delay:
    """Prepends the last frames of the previous block to a block."""

    def __init__(self, frames: int, channels: int = 2) -> None:
        self._last = np.zeros((channels, frames))

    def __call__(self, block: Sound) -> Sound:
        longer = np.concatenate([self._last, block], axis=1)
        self._last = longer[:, longer.shape[1] - self._last.shape[1] :]
        return longer


class Focus:
    """16 Hz modulation above 120 Hz, tones at 205 and 195 Hz, a true-peak limiter."""

    def __init__(self, rate_hz: int) -> None:
        self._rate_hz = rate_hz
        self._frame = 0

        def butterworth(kind: str, corner: Any) -> Sound:
            return np.asarray(signal.butter(2, corner, kind, fs=rate_hz, output="sos"))

        low, high = butterworth("lowpass", 120), butterworth("highpass", 120)
        self._low = Filter(np.concatenate([low, low]))
        self._high = Filter(np.concatenate([high, high]))
        third = 2 ** (1 / 3)
        self._near = Filter(butterworth("bandpass", [200 / third, 200 * third]))
        pole = np.exp(-1 / (1.5 * rate_hz))
        self._slow = np.array([[1 - pole, 0, 0, 1, -pole, 0]] * 2)
        self._slow_state = np.zeros((2, 2))
        self._limiter = Limiter(rate_hz)
        self.latency_frames = self._limiter.latency_frames

    def process(self, block: Sound) -> Sound:
        """Process (2, frames)."""
        seconds = (self._frame + np.arange(block.shape[1])) / self._rate_hz
        self._frame += block.shape[1]
        gain = (1 + 0.5 * np.sin(2 * np.pi * 16 * seconds)) / np.sqrt(1.125)
        modulated = self._low(block) + gain * self._high(block)
        power = (self._near(modulated) ** 2).mean(axis=0) * 10 ** (-0.46 / 20)
        power, self._slow_state = signal.sosfilt(self._slow, power, zi=self._slow_state)
        relative, least, most = (10 ** (db / 10) for db in (-15, -45, -20))
        level = np.sqrt(2 * np.clip(power * relative, least, most))
        tones = np.sin(2 * np.pi * np.array([[205.0], [195.0]]) * seconds)
        return self._limiter.process(modulated + level * tones)


class Limiter:
    """Limiter with four times interpolated peaks, 64 frames of look-ahead and 120 ms release."""

    _CHUNK = 8192  # limits the scaling of the release to exp(8192 / its frames)

    def __init__(self, rate_hz: int) -> None:
        self._ahead = int(0.00146 * rate_hz) - 6
        self.latency_frames = self._ahead + 6
        taps = np.arange(-5, 7)
        self._phases = [np.sinc(taps - p / 4) * np.kaiser(12, 4) for p in (1, 2, 3)]
        self._before = Delay(11)
        self._delay = Delay(self.latency_frames)
        self._window = Delay(self._ahead + 1, 1)
        lengths = self._ahead // 2, (self._ahead + 1) // 2
        self._means = [(Delay(frames - 1, 1), frames) for frames in lengths]
        self._release = 1 / (0.12 * rate_hz)
        self._reduction = 0.0

    def process(self, block: Sound) -> Sound:
        """Process (2, frames)."""
        longer = self._before(block)
        peak = np.abs(longer[:, 5:-6]).max(axis=0)
        for phase in self._phases:
            between = ndimage.correlate1d(longer, phase, axis=1)[:, 6:-5]
            np.maximum(peak, np.abs(between).max(axis=0), out=peak)
        ceiling = 10 ** (-1 / 20)
        excess = np.where(peak > ceiling, 1 - ceiling * 10 ** (-0.3 / 20) / peak, 0.0)
        span = self._ahead + 2
        held = ndimage.maximum_filter1d(self._window(excess[np.newaxis])[0], span)
        held = held[span // 2 : span // 2 + len(excess)]
        gain = self._let_go(held)
        for mean, frames in self._means:
            gain = np.convolve(mean(gain[np.newaxis])[0], np.full(frames, 1 / frames), "valid")
        limited: Sound = self._delay(block)[:, : block.shape[1]] * (1 - gain)
        return limited

    def _let_go(self, held: Sound) -> Sound:
        """Return the highest of the held values up to each frame, each decayed since then."""
        out = np.empty_like(held)
        for at in range(0, len(held), self._CHUNK):
            part = held[at : at + self._CHUNK]
            fall = np.exp(-self._release * np.arange(1, len(part) + 1))
            out[at : at + len(part)] = fall * np.maximum.accumulate(
                np.maximum(part / fall, self._reduction)
            )
            self._reduction = out[at + len(part) - 1]
        return out
