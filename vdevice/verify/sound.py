"""Reads a file once, for the loudness of the whole and the samples of the examined section."""

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from scipy import signal

from entrain.engine import Engine, rates_hz
from entrain.errors import EntrainError
from entrain.vdevice.offline.downmix import downmix
from entrain.vdevice.offline.render import BLOCK_FRAMES, Progress
from entrain.vdevice.offline.sound_file import SoundFileError, SoundReader
from entrain.vdevice.protocol.user_folder import shown

SECTION_S = 60.0
"""A minute resolves a beat to better than 1 mHz, and limits the memory for files of any length."""
_LOWEST_FILE_HZ, _HIGHEST_FILE_HZ = 1_000, 1_000_000
"""Range of sample rates of files that can be measured."""
_FULL_SCALES = 16.0  # the engine's limit, so that squares of float samples cannot overflow

Samples = npt.NDArray[np.float32]


class VerifyError(EntrainError):
    """A file cannot be read, or a picture cannot be written."""


@dataclass(frozen=True)
class Sound:
    """A section of a file, and properties of the whole file."""

    samples: Samples
    """(2, frames): left and right; both are equal for a mono file."""
    rate_hz: int
    """Sample rate of `samples`, at most 50 kHz."""
    file_rate_hz: int
    channels: int
    start_s: float
    total_s: float
    loudness_lufs: float | None
    """Integrated over the whole file, with mono in both ears; None: all below -70 LUFS."""
    warnings: tuple[str, ...] = ()
    """Defects of the file, one line each."""

    @property
    def seconds(self) -> float:
        """Length of the section."""
        return float(self.samples.shape[1] / self.rate_hz)


def load(
    path: Path,
    start_s: float | None = None,
    seconds: float = SECTION_S,
    progress: Progress | None = None,
) -> Sound:
    """Read a sound file in one pass; memory does not grow with its length.

    Parameters
    ----------
    path : Path
        Mono or stereo, any format that libsndfile reads.
    start_s : float, optional
        Where the section begins; by default it lies in the file's middle.
    seconds : float
        Greatest length of the section.
    progress : callable, optional
        Called with the number of finished frames and the number of all frames.

    Raises
    ------
    VerifyError
        One line that names the file.

    """
    try:
        with SoundReader(path) as reader:
            if reader.channels > 2:
                raise VerifyError(
                    f"{reader.name}: has {reader.channels} channels; only mono and stereo are "
                    "supported"
                )
            rate_hz, total = reader.rate_hz, reader.frames
            if not _LOWEST_FILE_HZ <= rate_hz <= _HIGHEST_FILE_HZ:
                raise VerifyError(
                    f"{reader.name}: has a sample rate of {rate_hz} Hz; "
                    f"supported are {_LOWEST_FILE_HZ} to {_HIGHEST_FILE_HZ} Hz"
                )
            wanted = round(seconds * rate_hz)
            first = (total - wanted) // 2 if start_s is None else round(start_s * rate_hz)
            first = max(0, first)
            if start_s is not None and first >= total > 0:
                raise VerifyError(f"{reader.name}: ends after {total / rate_hz:.1f} s")
            # Rates outside the engine's range are multiplied or divided by an integer.
            lowest_hz, highest_hz = rates_hz()
            up, down = math.ceil(lowest_hz / rate_hz), math.ceil(rate_hz / highest_hz)
            section, at = [], 0
            with Engine(rate_hz * up // down) as engine:
                for block in reader.blocks(BLOCK_FRAMES // up):
                    np.clip(block, -_FULL_SCALES, _FULL_SCALES, out=block)
                    ears = downmix(block)
                    engine.process(_at_other_rate(ears, up, down))
                    section.append(ears[:, max(0, first - at) : max(0, first + wanted - at)].copy())
                    at += len(block)
                    if progress:
                        progress(at, total)
                loudness_lufs = engine.loudness()[0].integrated_lufs
            channels, warnings = reader.channels, reader.check()
    except SoundFileError as error:
        raise VerifyError(str(error)) from error
    except OSError as error:
        raise VerifyError(f"{shown(path)}: {error.strerror or error}") from error
    samples = np.concatenate(section, axis=1) if section else np.zeros((2, 0), np.float32)
    shrink = rate_hz // 44_100  # frequencies above 20 kHz are not needed
    return Sound(
        samples=_at_other_rate(samples, 1, max(1, shrink)),
        rate_hz=rate_hz // max(1, shrink),
        file_rate_hz=rate_hz,
        channels=channels,
        start_s=first / rate_hz,
        total_s=at / rate_hz,
        loudness_lufs=loudness_lufs if math.isfinite(loudness_lufs) else None,
        warnings=warnings,
    )


def _at_other_rate(samples: Samples, up: int, down: int) -> Samples:
    """Return (2, frames) at `up / down` times the rate, C-contiguous."""
    if up == down or not samples.shape[1]:
        return samples
    return np.ascontiguousarray(signal.resample_poly(samples, up, down, axis=1), np.float32)
