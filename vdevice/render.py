"""Offline rendering: the live engine, driven by a file instead of a device."""

import contextlib
import os
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

from entrain.engine import Engine
from entrain.errors import EntrainError
from entrain.vdevice.chain import Chain
from entrain.vdevice.protocol.model import Protocol
from entrain.vdevice.reports import RenderSummary

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    import soundfile

BLOCK_FRAMES = 65_536

Progress = Callable[[int, int], None]


class RenderError(EntrainError):
    """A file cannot be read or written."""


def render_file(
    source: Path, destination: Path, protocol: Protocol, progress: Progress | None = None
) -> RenderSummary:
    """Process a sound file; memory does not grow with its length.

    The result has the source's length and rate, and is not late: the engine's latency is taken
    out.  It appears under its name only when it is whole.

    Parameters
    ----------
    source : Path
        8 to 192 kHz, any format libsndfile reads; see `downmix` for its channels.
    destination : Path
        Its ending chooses the format; the source's sample format is kept where possible.
    protocol : Protocol
        Checked against the blocks.
    progress : callable, optional
        Gets the frames done and the frames in all.

    Raises
    ------
    RenderError
        One line that names the file.

    """
    import soundfile

    started = time.monotonic()
    try:
        with soundfile.SoundFile(source) as reader:
            if reader.channels not in DOWNMIX:
                raise RenderError(f"{source}: {reader.channels} channels; need 8 at most")
            with _written(source, destination, reader) as writer:
                meter = _run(reader, writer, protocol, progress)
            frames, rate_hz = reader.frames, reader.samplerate
    except soundfile.LibsndfileError as error:
        raise RenderError(_reason(source, destination, error)) from error
    except OSError as error:
        raise RenderError(f"{error.filename or destination}: {error.strerror or error}") from error
    seconds = frames / rate_hz
    return RenderSummary(
        frames=frames,
        rate_hz=rate_hz,
        seconds=seconds,
        in_db=meter.in_db(frames),
        out_db=meter.out_db(frames),
        speed=seconds / max(time.monotonic() - started, 1e-9),
    )


_3_DB, _6_DB = 0.5**0.5, 0.5
DOWNMIX: dict[int, tuple[tuple[float, ...], tuple[float, ...]]] = {
    # what each ear gets of each channel, in the order of WAVE files
    1: ((1,), (1,)),
    2: ((1, 0), (0, 1)),
    3: ((1, 0, _3_DB), (0, 1, _3_DB)),  # L R C
    4: ((1, 0, _3_DB, 0), (0, 1, 0, _3_DB)),  # L R Ls Rs
    5: ((1, 0, _3_DB, _3_DB, 0), (0, 1, _3_DB, 0, _3_DB)),  # L R C Ls Rs
    6: ((1, 0, _3_DB, 0, _3_DB, 0), (0, 1, _3_DB, 0, 0, _3_DB)),  # L R C LFE Ls Rs
    7: ((1, 0, _3_DB, 0, _6_DB, _3_DB, 0), (0, 1, _3_DB, 0, _6_DB, 0, _3_DB)),  # … LFE Cs Ls Rs
    8: (  # L R C LFE Lb Rb Ls Rs
        (1, 0, _3_DB, 0, _3_DB, 0, _3_DB, 0),
        (0, 1, _3_DB, 0, 0, _3_DB, 0, _3_DB),
    ),
}


def downmix(block: "npt.NDArray[np.float32]") -> "npt.NDArray[np.float32]":
    """Fold any usual number of channels down to two.

    Both ears get a mono sound as it is.  With more than two channels the coefficients are those
    of ITU-R BS.775-4 (centre and surround at -3 dB, a middle surround at -6 dB, no LFE); the
    sum is not scaled: what exceeds full scale is the limiter's business.

    Parameters
    ----------
    block : (frames, channels) float32 ndarray
        1 to 8 channels, in the order of WAVE files.

    Returns
    -------
    (2, frames) float32 ndarray, C-contiguous

    """
    import numpy as np

    matrix = np.array(DOWNMIX[block.shape[1]], np.float32)
    if block.shape[1] <= 2:  # exact, and quick
        return np.ascontiguousarray(np.broadcast_to(block.T, (2, len(block))))
    return np.ascontiguousarray(matrix @ block.T)


class _Meter:
    """RMS over a whole file."""

    def __init__(self) -> None:
        self._in = 0.0
        self._out = 0.0

    def add(self, before: "npt.NDArray[np.float32]", after: "npt.NDArray[np.float32]") -> None:
        self._in += float((before.astype("f8") ** 2).sum())
        self._out += float((after.astype("f8") ** 2).sum())

    def in_db(self, frames: int) -> float | None:
        return _decibels(self._in, frames)

    def out_db(self, frames: int) -> float | None:
        return _decibels(self._out, frames)


def _decibels(square_sum: float, frames: int) -> float | None:
    from math import log10

    return 10.0 * log10(square_sum / (2 * frames)) if square_sum else None


def _run(
    reader: "soundfile.SoundFile",
    writer: "soundfile.SoundFile",
    protocol: Protocol,
    progress: Progress | None,
) -> _Meter:
    import numpy as np

    meter = _Meter()

    def keep(before: "npt.NDArray[np.float32]", after: "npt.NDArray[np.float32]") -> None:
        writer.write(after.T)
        meter.add(before, after)

    # Beside the engine, which takes most of the time, the next block is read and the last written.
    with Engine(reader.samplerate) as engine, ThreadPoolExecutor(1) as behind:
        Chain(engine).use(protocol)
        early = engine.latency_frames  # what comes out first belongs before the file
        done, kept = 0, behind.submit(lambda: None)
        for stereo in _read_ahead(reader):
            frames = stereo.shape[1]
            processed = engine.process(stereo)[:, early:]
            early = max(0, early - frames)
            kept.result()
            kept = behind.submit(keep, stereo, processed)
            done += frames
            if progress:
                progress(done, reader.frames)
        kept.result()
        rest = min(engine.latency_frames, reader.frames)
        tail = engine.process(np.zeros((2, engine.latency_frames), np.float32))[:, -rest:]
        if rest:
            keep(np.zeros_like(tail), tail)
    return meter


def _read_ahead(reader: "soundfile.SoundFile") -> Iterator["npt.NDArray[np.float32]"]:
    """Give stereo blocks; while one is worked on, the next is read."""

    def read() -> "npt.NDArray[np.float32]":
        return downmix(reader.read(BLOCK_FRAMES, dtype="float32", always_2d=True))

    with ThreadPoolExecutor(1) as ahead:
        coming = ahead.submit(read)
        while (block := coming.result()).shape[1]:
            coming = ahead.submit(read)
            yield block


@contextlib.contextmanager
def _written(
    source: Path, destination: Path, reader: "soundfile.SoundFile"
) -> Iterator["soundfile.SoundFile"]:
    import soundfile

    if destination.exists() and destination.samefile(source):
        raise RenderError(f"{destination}: is the file that is read; choose another name")
    kind = destination.suffix.lstrip(".").upper()
    formats = soundfile.available_formats()
    kind = {"AIF": "AIFF", "OGA": "OGG", "OPUS": "OGG"}.get(kind, kind)
    if kind not in formats:
        known = ", ".join(sorted(name.lower() for name in formats))
        raise RenderError(f"{destination}: unknown ending; there is {known}")
    subtype = reader.subtype if soundfile.check_format(kind, reader.subtype) else None
    if destination.suffix.lower() == ".opus":
        subtype = "OPUS"
    fd, name = tempfile.mkstemp(dir=destination.parent, prefix=f".{destination.name}.")
    os.close(fd)
    unfinished = Path(name)
    try:
        with soundfile.SoundFile(
            unfinished, "w", reader.samplerate, 2, subtype=subtype, format=kind
        ) as writer:
            yield writer
        umask = os.umask(0)
        os.umask(umask)
        unfinished.chmod(0o666 & ~umask)
        unfinished.replace(destination)
    finally:
        unfinished.unlink(missing_ok=True)


def _reason(source: Path, destination: Path, error: Exception) -> str:
    if not source.exists():
        return f"{source}: No such file"
    text = str(error)
    if str(source) in text:
        return f"{source}: {text.rsplit(': ', 1)[-1]}"
    return f"{destination}: {text.rsplit(': ', 1)[-1]}"
