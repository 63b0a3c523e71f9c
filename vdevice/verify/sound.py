"""Reads a file once: its loudness as a whole, and the section that is looked at closely."""

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
"""A minute gives a beat to better than 1 mHz and bounds the memory, whatever the file's length."""
_LOWEST_FILE_HZ, _HIGHEST_FILE_HZ = 1_000, 1_000_000
"""Sample rates of files; there is nothing to measure in others."""
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
    """Integrated over the whole file, mono counts on both ears; None: all below -70 LUFS."""
    warnings: tuple[str, ...] = ()
    """What was wrong with the file, one line each."""

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
        with SoundReader(path) as reader:
            if reader.channels > 2:
                raise VerifyError(f"{reader.name}: {reader.channels} channels; need mono or stereo")
            rate_hz, total = reader.rate_hz, reader.frames
            if not _LOWEST_FILE_HZ <= rate_hz <= _HIGHEST_FILE_HZ:
                raise VerifyError(
                    f"{reader.name}: its sample rate is {rate_hz} Hz; "
                    f"need {_LOWEST_FILE_HZ} to {_HIGHEST_FILE_HZ} Hz"
                )
            wanted = round(seconds * rate_hz)
            first = (total - wanted) // 2 if start_s is None else round(start_s * rate_hz)
            first = max(0, first)
            if start_s is not None and first >= total > 0:
                raise VerifyError(f"{reader.name}: is over after {total / rate_hz:.1f} s")
            # a rate that the engine does not take is multiplied, or divided, until it does
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
    shrink = rate_hz // 44_100  # nothing above 20 kHz is looked at
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
