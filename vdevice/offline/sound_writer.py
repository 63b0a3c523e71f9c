"""Writes a sound file of the kind that its name ends in, into a file that is open already."""

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from entrain.errors import EntrainError
from entrain.vdevice.protocol.user_folder import shown

if TYPE_CHECKING:
    import soundfile

    from entrain.vdevice.offline.sound_file import SoundReader


class RenderError(EntrainError):
    """A file cannot be read or written."""


def kind_of(destination: Path) -> str:
    """Return libsndfile's name of the format that a file's ending means."""
    import soundfile

    kind = destination.suffix.lstrip(".").upper()
    kind = {"AIF": "AIFF", "OGA": "OGG", "OPUS": "OGG"}.get(kind, kind)
    # of an SD2 file half lies in a second one, which libsndfile makes by itself
    formats = soundfile.available_formats().keys() - {"SD2"}
    if kind not in formats:
        known = ", ".join(sorted(name.lower() for name in formats))
        raise RenderError(f"{shown(destination)}: unknown ending; there is {known}")
    return kind


class _Sink:
    """The file that libsndfile writes to; keeps the error of which it says "System error"."""

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
        """Forget what has been written."""
        self.seek(0)
        self._done(self._file.truncate)

    def _done(self, step: Callable[[], int]) -> int:
        """Take a step; no exception gets through libsndfile, not even that of a signal."""
        try:
            return step() if self.error is None else 0
        except BaseException as error:
            self.error = error
            return 0


@contextlib.contextmanager
def open_writer(
    file: BinaryIO, destination: Path, kind: str, reader: "SoundReader"
) -> Iterator["soundfile.SoundFile"]:
    """Open a writer, into which stereo sound goes with the source's rate and sample format.

    Raises
    ------
    RenderError
        The file cannot be written, or cannot hold such sound.

    """
    import soundfile

    from entrain.vdevice.offline.sound_file import reason

    sink = _Sink(file)
    try:
        with _opened(sink, destination, kind, reader) as writer:
            yield writer
    except soundfile.LibsndfileError as error:
        if sink.error is None:
            raise RenderError(f"{shown(destination)}: {reason(error)}") from error
    except AssertionError:  # soundfile's, when libsndfile has written less than it should
        if sink.error is None:
            raise
    if sink.error is not None:
        raise sink.error


def _opened(
    sink: _Sink, destination: Path, kind: str, reader: "SoundReader"
) -> "soundfile.SoundFile":
    """Open it with the source's sample format, else with the one that is usual."""
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
        f"{shown(destination)}: cannot hold stereo at {reader.rate_hz} Hz ({refused})"
    )
