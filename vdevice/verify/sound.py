"""Reads a file once: its loudness as a whole, and the section that is looked at closely."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import soundfile
from scipy import signal

from entrain.errors import EntrainError

SECTION_S = 60.0
"""A minute gives a beat to better than 1 mHz and bounds the memory, whatever the file's length."""
BLOCK_FRAMES = 65_536
_FULL_SCALES = 16.0  # the engine's limit, so that no float file overflows a square

Samples = npt.NDArray[np.float32]


class VerifyError(EntrainError):
    """A file cannot be read or a picture not be written."""


@dataclass(frozen=True)
class Sound:
    """A section of a file, and what is known of the whole."""

    samples: Samples
    """(2, frames): left and right; a mono file gives both ears the same."""
    rate_hz: int
    """Of `samples`; at most 50 kHz."""
    file_rate_hz: int
    channels: int
    start_s: float
    total_s: float
    loudness_lufs: float | None
    """Integrated over the whole file; None: nothing above the gate of -70 LUFS."""

    @property
    def seconds(self) -> float:
        """Length of the section."""
        return float(self.samples.shape[1] / self.rate_hz)


def load(
    path: Path,
    start_s: float | None = None,
    seconds: float = SECTION_S,
    progress: Callable[[int, int], None] | None = None,
) -> Sound:
    """Read a sound file in one pass; memory does not grow with its length.

    Parameters
    ----------
    path : Path
        Mono or stereo, any format libsndfile reads.
    start_s : float, optional
        Where the section begins; without it, the section lies in the file's middle.
    seconds : float
        The section's greatest length.
    progress : callable, optional
        Gets the frames done and the frames in all.

    Raises
    ------
    VerifyError
        One line that names the file.

    """
    try:
        with soundfile.SoundFile(path) as reader:
            if reader.channels > 2:
                raise VerifyError(f"{path}: {reader.channels} channels; need mono or stereo")
            rate_hz, total = reader.samplerate, reader.frames
            wanted = round(seconds * rate_hz)
            first = (total - wanted) // 2 if start_s is None else round(start_s * rate_hz)
            first = max(0, first)
            if start_s is not None and first >= total > 0:
                raise VerifyError(f"{path}: is over after {total / rate_hz:.1f} s")
            loudness, section, at = Loudness(rate_hz), [], 0
            for block in reader.blocks(BLOCK_FRAMES, dtype="float32", always_2d=True):
                np.nan_to_num(block, copy=False, nan=0.0, posinf=0.0, neginf=0.0)
                np.clip(block, -_FULL_SCALES, _FULL_SCALES, out=block)
                ears = np.broadcast_to(block.T, (2, len(block)))
                loudness.add(ears)
                section.append(ears[:, max(0, first - at) : max(0, first + wanted - at)].copy())
                at += len(block)
                if progress:
                    progress(at, total)
            channels = reader.channels
    except soundfile.LibsndfileError as error:
        if not path.exists():
            raise VerifyError(f"{path}: No such file") from error
        raise VerifyError(f"{path}: {str(error).rsplit(': ', 1)[-1]}") from error
    except OSError as error:
        raise VerifyError(f"{path}: {error.strerror or error}") from error
    samples = np.concatenate(section, axis=1) if section else np.zeros((2, 0), np.float32)
    shrink = rate_hz // 44_100  # nothing above 20 kHz is looked at
    if shrink > 1 and samples.shape[1]:
        samples = signal.resample_poly(samples, 1, shrink, axis=1).astype(np.float32)
    return Sound(
        samples=samples,
        rate_hz=rate_hz // max(1, shrink),
        file_rate_hz=rate_hz,
        channels=channels,
        start_s=first / rate_hz,
        total_s=at / rate_hz,
        loudness_lufs=loudness.integrated_lufs(),
    )


class Loudness:
    """Integrated loudness after ITU-R BS.1770-5: K-weighting, 400 ms blocks, two gates.

    A mono file counts as played on both ears.
    """

    def __init__(self, rate_hz: int) -> None:
        self._sections = k_weighting(rate_hz)
        self._state = np.zeros((len(self._sections), 2, 2))
        self._hop = max(1, round(rate_hz / 10))  # blocks overlap by three of four such steps
        self._rest = np.zeros(0)
        self._steps: list[npt.NDArray[np.float64]] = []

    def add(self, ears: Samples) -> None:
        """Take the next (2, frames) samples."""
        weighted, self._state = signal.sosfilt(self._sections, ears, zi=self._state)
        power = np.concatenate([self._rest, np.square(weighted).sum(axis=0)])
        whole = len(power) // self._hop * self._hop
        self._steps.append(power[:whole].reshape(-1, self._hop).mean(axis=1))
        self._rest = power[whole:]

    def integrated_lufs(self) -> float | None:
        """Return the loudness of all that was added; None if it is all below the gate."""
        steps = np.concatenate([np.zeros(0), *self._steps])
        if len(steps) < 4:
            return None
        blocks = np.convolve(steps, np.full(4, 0.25), "valid")
        blocks = blocks[_lufs(blocks) > -70.0]
        if not len(blocks):
            return None
        blocks = blocks[_lufs(blocks) > _lufs(blocks.mean()) - 10.0]
        return float(_lufs(blocks.mean()))


def k_weighting(rate_hz: int) -> npt.NDArray[np.float64]:
    """Return the two second-order sections of BS.1770's weighting, for any sample rate.

    The analogue prototypes behind the standard's 48 kHz table, by bilinear transformation.
    """
    k = np.tan(np.pi * 1681.974450955533 / rate_hz)
    q, gain = 0.7071752369554196, 10 ** (3.999843853973347 / 20)
    middle = gain**0.4996667741545416
    scale = 1 + k / q + k * k
    shelf = [
        (gain + middle * k / q + k * k) / scale,
        2 * (k * k - gain) / scale,
        (gain - middle * k / q + k * k) / scale,
        1.0,
        2 * (k * k - 1) / scale,
        (1 - k / q + k * k) / scale,
    ]
    k, q = np.tan(np.pi * 38.13547087602444 / rate_hz), 0.5003270373238773
    scale = 1 + k / q + k * k
    high_pass = [1.0, -2.0, 1.0, 1.0, 2 * (k * k - 1) / scale, (1 - k / q + k * k) / scale]
    return np.array([shelf, high_pass])


def _lufs(power: npt.ArrayLike) -> npt.NDArray[np.float64]:
    return -0.691 + 10 * np.log10(np.maximum(power, 1e-30))
