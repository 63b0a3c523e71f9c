"""The page's files, all read at the start: no request's path ever reaches the file system."""

import gzip
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from entrain.errors import EntrainError

FOLDER = Path(__file__).parent / "page"
"""The installed page."""
INDEX = "index.html"
ICON = "icon.svg"

_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".wasm": "application/wasm",
    ".woff2": "font/woff2",
}
"""Media types by suffix; other files are not part of the page."""
_PACKED_ALREADY = (".png", ".woff2")
_LOCAL = re.compile(r'\b(?:href|src)="/?([\w./-]+)"')
"""A file in the index; the libraries are among them, which a build without a network lacks."""


class NoPage(EntrainError):
    """The installation has no page."""


@dataclass(frozen=True)
class PageFile:
    """One file of the page."""

    media_type: str
    body: bytes
    packed: bytes | None
    """The same as gzip, or None if that would not be smaller."""


def read_page(folder: Path = FOLDER) -> Mapping[str, PageFile]:
    """Read all files of the page; returns them by the path of a request.

    Parameters
    ----------
    folder : Path
        The folder of the page; ``index.html`` is also ``/``.

    Raises
    ------
    NoPage
        ``index.html`` or a file that it names is missing, or a file cannot be read.

    """
    try:
        files = {
            f"/{path.relative_to(folder).as_posix()}": _read(path)
            for path in sorted(folder.rglob("*"))
            if path.suffix in _TYPES and path.is_file()
        }
    except OSError as error:
        raise NoPage(f"the dashboard's page cannot be read: {error}") from error
    index = files.get(f"/{INDEX}")
    named = _LOCAL.findall(index.body.decode("utf-8", "replace")) if index else ()
    if index is None or any(f"/{name}" not in files for name in named):
        raise NoPage(
            "this installation has no dashboard, since parts of its page are missing; build "
            "Entrain again with a network connection"
        )
    files["/"] = index
    if f"/{ICON}" in files:  # what browsers ask for on a page that names no icon
        files["/favicon.ico"] = files[f"/{ICON}"]
    return files


def _read(path: Path) -> PageFile:
    body = path.read_bytes()
    packed = None if path.suffix in _PACKED_ALREADY else gzip.compress(body, mtime=0)
    smaller = packed if packed is not None and len(packed) < len(body) else None
    return PageFile(_TYPES[path.suffix], body, smaller)
