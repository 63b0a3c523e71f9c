"""A picture that a command writes: its kind, and the rule that no other file is replaced."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from entrain.errors import EntrainError

_BEGINNINGS = {
    "png": b"\x89PNG\r\n\x1a\n",
    "jpg": b"\xff\xd8\xff",
    "svg": b"<svg",
    "pdf": b"%PDF-",
}
"""First bytes of each kind of picture."""


def picture_kind(path: Path) -> str:
    """Return the kind of picture from a file's suffix, or "" for a kind that we cannot draw."""
    suffix = path.suffix.lower().removeprefix(".")
    kind = {"": "png", "jpeg": "jpg"}.get(suffix, suffix)
    return kind if kind in _BEGINNINGS else ""


@contextmanager
def picture_file(path: Path, inputs: Sequence[Path], force: bool) -> Iterator[BinaryIO]:
    """Open a picture file for writing, of the kind that its suffix names.

    See `output_file`.
    """
    from entrain.platform.whole_file import output_file
    from entrain.vdevice.protocol.user_folder import shown

    kind = picture_kind(path) or "png"

    def is_same_kind(other: Path) -> bool:
        with other.open("rb") as file:
            return _BEGINNINGS[kind] in file.read(500)

    what = f"a picture ({kind.upper()})"
    try:
        with output_file(path, is_same_kind, what, inputs=inputs, force=force) as file:
            if not picture_kind(path):
                raise EntrainError(
                    f"{shown(path)}: the name of a picture must end in .png, .jpg, .svg or .pdf"
                )
            yield file
    except OSError as error:
        name = error.filename if isinstance(error.filename, str) else path
        raise EntrainError(f"{shown(name)}: {error.strerror or error}") from error
