"""Offline rendering: the live engine, fed from a file instead of a device."""

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

from entrain.engine import Engine, rates_hz
from entrain.head import Head
from entrain.platform.whole_file import output_file
from entrain.vdevice.offline.downmix import DOWNMIX, downmix
from entrain.vdevice.offline.reports import RenderSummary
from entrain.vdevice.offline.rms_meter import RmsMeter
from entrain.vdevice.offline.sound_writer import RenderError, kind_of, open_writer
from entrain.vdevice.protocol.model import Layer, Protocol
from entrain.vdevice.protocol.user_folder import shown
from entrain.vdevice.session.chain import Chain

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    import soundfile

    from entrain.vdevice.offline.sound_file import SoundReader

BLOCK_FRAMES = 65_536

Progress = Callable[[int, int], None]


def render_file(
    source: Path,
    destination: Path,
    protocol: Protocol,
    progress: Progress | None = None,
    force: bool = False,
    space: Layer | None = None,
    head: Head | None = None,
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
    space : Layer, optional
        Places the music if the protocol leaves the space to the user.
    head : Head, optional
        The head through which a space is heard; without one there is no space.

    Raises
    ------
    RenderError
        One line that names the file.

    """
    from entrain.vdevice.offline.sound_file import SoundFileError, SoundReader, is_sound

    started = time.monotonic()
    try:
        kind = kind_of(destination)
        with SoundReader(source) as reader:
            _require(reader)
            with (
                output_file(
                    destination, is_sound, "a sound file", inputs=[source], force=force
                ) as file,
                open_writer(file, destination, kind, reader) as writer,
            ):
                meter = _run(reader, writer, protocol, progress, space, head)
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


def _run(
    reader: "SoundReader",
    writer: "soundfile.SoundFile",
    protocol: Protocol,
    progress: Progress | None,
    space: Layer | None,
    head: Head | None,
) -> RmsMeter:
    import numpy as np

    meter = RmsMeter()

    def keep(before: "npt.NDArray[np.float32]", after: "npt.NDArray[np.float32]") -> None:
        writer.write(after.T)
        meter.add(before, after)

    # The engine takes most of the time; meanwhile, threads read the next block and write the last.
    with Engine(reader.rate_hz) as engine, ThreadPoolExecutor(1) as behind:
        engine.use_head(head)
        Chain(engine).use(protocol, space=space if protocol.spatial is None else None)
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
