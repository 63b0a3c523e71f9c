"""Offline rendering: the live engine, fed from a file instead of a device."""

import contextlib
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from entrain.engine import Engine, rates_hz
from entrain.errors import EntrainError
from entrain.platform.whole_file import output_file
from entrain.vdevice.offline.reports import RenderSummary
from entrain.vdevice.protocol.model import Protocol
from entrain.vdevice.protocol.user_folder import shown
from entrain.vdevice.session.chain import Chain

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    import soundfile

    from entrain.vdevice.offline.sound_file import SoundReader

BLOCK_FRAMES = 65_536

Progress = Callable[[int, int], None]


class RenderError(EntrainError):
    """A file cannot be read or written."""


def render_file(
    source: Path,
    destination: Path,
    protocol: Protocol,
    progress: Progress | None = None,
    force: bool = False,
) -> RenderSummary:
    """Process a sound file; memory does not grow with its length.

    The result has the source's length and sample rate, without the engine's latency.  The file
    appears under its name only when it is complete.

    Parameters
    ----------
    source : Path
        8 to 192 kHz, any format that libsndfile reads; see `downmix` for its channels.  The
        readable part of a damaged file is processed, and the summary has `warnings`.
    destination : Path
        The suffix selects the format; the source's sample format is kept if possible.  An existing
        sound file is replaced.
    protocol : Protocol
        A protocol that has been checked against the blocks.
    progress : callable, optional
        Called with the number of finished frames and the number of all frames.
    force : bool
        Replace any existing file, even if it is not a sound file.

    Raises
    ------
    RenderError
        One line that names the file.

    """
    from entrain.vdevice.offline.sound_file import SoundFileError, SoundReader, is_sound

    started = time.monotonic()
    try:
        kind = _kind(destination)
        with SoundReader(source) as reader:
            _require(reader)
            with (
                output_file(
                    destination, is_sound, "a sound file", inputs=[source], force=force
                ) as file,
                _writer(file, destination, kind, reader) as writer,
            ):
                meter = _run(reader, writer, protocol, progress)
                warnings = reader.check()
            frames, rate_hz = reader.frames_read, reader.rate_hz
    except SoundFileError as error:
        raise RenderError(str(error)) from error
    except OSError as error:
        name = error.filename if isinstance(error.filename, str) else destination
        raise RenderError(f"{shown(name)}: {error.strerror or error}") from error
    seconds = frames / rate_hz
    return RenderSummary(
        frames=frames,
        rate_hz=rate_hz,
        seconds=seconds,
        in_db=meter.in_db(frames),
        out_db=meter.out_db(frames),
        speed=seconds / max(time.monotonic() - started, 1e-9),
        warnings=warnings,
    )


def _require(reader: "SoundReader") -> None:
    if reader.channels not in DOWNMIX:
        raise RenderError(f"{reader.name}: has {reader.channels} channels; at most 8 are supported")
    lowest_hz, highest_hz = rates_hz()
    if not lowest_hz <= reader.rate_hz <= highest_hz:
        raise RenderError(
            f"{reader.name}: has a sample rate of {reader.rate_hz} Hz; "
            f"supported are {lowest_hz} to {highest_hz} Hz"
        )


_3_DB, _6_DB = 0.5**0.5, 0.5
DOWNMIX: dict[int, tuple[tuple[float, ...], tuple[float, ...]]] = {
    # gains of all channels for each ear, in the channel order of WAVE files
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
    """Mix one to eight channels down to two.

    A mono sound goes to both ears unchanged.  For more than two channels, the coefficients follow
    ITU-R BS.775-4 (centre and surround at -3 dB, a middle surround at -6 dB, no LFE).
    The sum is not scaled, since the limiter handles peaks above full scale.

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
    if block.shape[1] <= 2:  # exact, and faster
        return np.ascontiguousarray(np.broadcast_to(block.T, (2, len(block))))
    return np.ascontiguousarray(matrix @ block.T)


class _Meter:
    """RMS of a whole file, before and after processing."""

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
    reader: "SoundReader",
    writer: "soundfile.SoundFile",
    protocol: Protocol,
    progress: Progress | None,
) -> _Meter:
    import numpy as np

    meter = _Meter()

    def keep(before: "npt.NDArray[np.float32]", after: "npt.NDArray[np.float32]") -> None:
        writer.write(after.T)
        meter.add(before, after)

    # The engine takes most of the time; meanwhile, threads read the next block and write the last.
    with Engine(reader.rate_hz) as engine, ThreadPoolExecutor(1) as behind:
        Chain(engine).use(protocol)
        early = engine.latency_frames  # output frames to drop at the beginning
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
        rest = min(engine.latency_frames, done)
        tail = engine.process(np.zeros((2, engine.latency_frames), np.float32))[:, -rest:]
        if rest:
            keep(np.zeros_like(tail), tail)
    return meter


def _read_ahead(reader: "SoundReader") -> Iterator["npt.NDArray[np.float32]"]:
    """Yield stereo blocks; the next block is read while the present one is processed."""

    def read() -> "npt.NDArray[np.float32]":
        return downmix(reader.read(BLOCK_FRAMES))

    with ThreadPoolExecutor(1) as ahead:
        coming = ahead.submit(read)
        while (block := coming.result()).shape[1]:
            coming = ahead.submit(read)
            yield block


def _kind(destination: Path) -> str:
    """Return libsndfile's name of the format for a file's suffix."""
    import soundfile

    kind = destination.suffix.lstrip(".").upper()
    kind = {"AIF": "AIFF", "OGA": "OGG", "OPUS": "OGG"}.get(kind, kind)
    # An SD2 file has a second file, which libsndfile would create by itself.
    formats = soundfile.available_formats().keys() - {"SD2"}
    if kind not in formats:
        known = ", ".join(sorted(name.lower() for name in formats))
        raise RenderError(f"{shown(destination)}: unknown suffix; choose from {known}")
    return kind


class _Sink:
    """The file that libsndfile writes to; keeps the errors that it calls "System error"."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.error: BaseException | None = None

    def write(self, data: bytes) -> int:
        return self._done(lambda: self._file.write(data))

    def readinto(self, buffer: bytearray) -> int:
        return self._done(lambda: self._file.readinto(buffer))  # type: ignore[attr-defined]

    def seek(self, offset: int, whence: int = 0) -> int:
        return self._done(lambda: self._file.seek(offset, whence))

    def tell(self) -> int:
        return self._done(self._file.tell)

    def clear(self) -> None:
        """Discard all written data."""
        self.seek(0)
        self._done(self._file.truncate)

    def _done(self, step: Callable[[], int]) -> int:
        """Do one operation; libsndfile passes on no exception, not even a signal's."""
        try:
            return step() if self.error is None else 0
        except BaseException as error:
            self.error = error
            return 0


@contextlib.contextmanager
def _writer(
    file: BinaryIO, destination: Path, kind: str, reader: "SoundReader"
) -> Iterator["soundfile.SoundFile"]:
    import soundfile

    from entrain.vdevice.offline.sound_file import reason

    sink = _Sink(file)
    try:
        with _opened(sink, destination, kind, reader) as writer:
            yield writer
    except soundfile.LibsndfileError as error:
        if sink.error is None:
            raise RenderError(f"{shown(destination)}: {reason(error)}") from error
    except AssertionError:  # from soundfile, after libsndfile has written less than expected
        if sink.error is None:
            raise
    if sink.error is not None:
        raise sink.error


def _opened(
    sink: _Sink, destination: Path, kind: str, reader: "SoundReader"
) -> "soundfile.SoundFile":
    """Open the file with the source's sample format, or with the default one."""
    import soundfile

    from entrain.vdevice.offline.sound_file import Sequential, reason

    refused = "libsndfile cannot write this format"
    subtypes = [reader.subtype, soundfile.default_subtype(kind) or "PCM_16"]
    if destination.suffix.lower() == ".opus":
        subtypes = ["OPUS"]
    for subtype in subtypes:
        try:
            if soundfile.check_format(kind, subtype):
                return Sequential(sink, "w", reader.rate_hz, 2, subtype=subtype, format=kind)
        except soundfile.LibsndfileError as error:
            refused = reason(error)
            sink.clear()
    raise RenderError(
        f"{shown(destination)}: the format cannot hold stereo at {reader.rate_hz} Hz ({refused})"
    )
