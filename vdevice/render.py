"""Offline rendering: the live engine, driven by a file instead of a device."""

import contextlib
import os
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from entrain.engine import Engine
from entrain.errors import EntrainError
from entrain.vdevice.chain import Chain
from entrain.vdevice.model import Protocol
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
        Mono (both ears get it) or stereo, 8 to 192 kHz, any format libsndfile reads.
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
            if reader.channels > 2:
                raise RenderError(f"{source}: {reader.channels} channels; need mono or stereo")
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
    with Engine(reader.samplerate) as engine:
        Chain(engine).use(protocol)
        early = engine.latency_frames  # what comes out first belongs before the file
        for block in reader.blocks(BLOCK_FRAMES, dtype="float32", always_2d=True):
            stereo = np.ascontiguousarray(np.broadcast_to(block.T, (2, len(block))))
            processed = engine.process(stereo)[:, early:]
            early = max(0, early - len(block))
            writer.write(processed.T)
            meter.add(stereo, processed)
            if progress:
                progress(reader.tell(), reader.frames)
        rest = min(engine.latency_frames, reader.frames)
        tail = engine.process(np.zeros((2, engine.latency_frames), np.float32))[:, -rest:]
        if rest:
            writer.write(tail.T)
            meter.add(np.zeros_like(tail), tail)
    return meter


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
