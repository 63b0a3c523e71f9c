"""Reads a SOFA file and checks everything that a head needs.

`SOFAFile.isValid` accepts radians, missing numbers and a single direction, and refuses files that
are usable; so this module checks for itself.
"""

import os
import warnings
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import pysofaconventions

from entrain.platform.files import UnfitFile, open_file
from entrain.vdevice.hrtf.errors import HrtfError
from entrain.vdevice.hrtf.preparation import sofa_positions
from entrain.vdevice.hrtf.preparation.measured_set import (
    MIN_DIRECTIONS,
    Floats,
    Indices,
    MeasuredSet,
)
from entrain.vdevice.hrtf.sets import MAX_FILE_BYTES
from entrain.vdevice.protocol.wording import plain

MAX_DATA_BYTES = 256 << 20
MIN_RATE_HZ, MAX_RATE_HZ = 8_000.0, 192_000.0
MIN_TAPS = 16
MAX_DIRECTIONS = 4_000
"""A set with more directions is thinned out: the grid of a head has 2,522."""

CONVENTION = "SimpleFreeFieldHRIR"
_OTHER_CONVENTIONS = {
    "AmbisonicsDRIR": "a room, recorded with an Ambisonics microphone",
    "FreeFieldDirectivityTF": "the directivity of a source",
    "FreeFieldHRIR": "responses as spherical harmonics",
    "FreeFieldHRTF": "transfer functions as spherical harmonics",
    "GeneralFIR": "responses of any kind",
    "GeneralFIR-E": "responses of any kind",
    "GeneralFIRE": "responses of any kind",
    "GeneralTF": "transfer functions of any kind",
    "GeneralTF-E": "transfer functions of any kind",
    "MultiSpeakerBRIR": "ears in a room with several loudspeakers",
    "SimpleFreeFieldHRSOS": "a head as second-order filters",
    "SimpleFreeFieldHRTF": "a head as transfer functions",
    "SimpleFreeFieldSOS": "a head as second-order filters",
    "SimpleHeadphoneIR": "headphones",
    "SingleRoomDRIR": "a room",
    "SingleRoomMIMOSRIR": "a room",
    "SingleRoomSRIR": "a room",
}
_FACTS = ("Title", "DatabaseName", "ListenerShortName", "Organization", "License", "References")
_SIGNATURE = b"\x89HDF\r\n\x1a\n"
_CHUNK_DIRECTIONS = 256


def read(path: Path) -> MeasuredSet:
    """Read a set of head-related impulse responses.

    Raises
    ------
    HrtfError
        One line that says what the file is, or what is wrong with it.

    """
    try:
        opened = open_file(path)
    except UnfitFile as error:
        raise HrtfError(f"{path.name} {error.strerror}") from error
    except OSError as error:
        raise HrtfError(f"{path.name} cannot be read: {error.strerror}") from error
    with opened:
        return _read_opened(opened, path)


def _read_opened(opened: BinaryIO, path: Path) -> MeasuredSet:
    try:
        _require_hdf5(opened)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # pysofaconventions warns; what matters is checked here
            file = pysofaconventions.SOFAFile(_opened_path(opened, path), "r")
            try:
                return _read(file)
            finally:
                file.close()
    except HrtfError as error:
        raise HrtfError(f"{path.name} {error}") from None
    except MemoryError:
        raise HrtfError(f"{path.name} needs too much memory") from None
    except Exception as error:  # netCDF4 and HDF5 raise many kinds of errors for a broken file
        reason = getattr(error, "strerror", None) or str(error).partition("\n")[0]
        reason = plain(str(reason or type(error).__name__), 120)
        raise HrtfError(f"{path.name} cannot be read; it may be damaged ({reason})") from error


def _require_hdf5(file: BinaryIO) -> None:
    size = os.fstat(file.fileno()).st_size
    if size > MAX_FILE_BYTES:
        raise HrtfError(
            f"has {size >> 20} MB; Entrain reads SOFA files up to {MAX_FILE_BYTES >> 20} MB"
        )
    if file.read(len(_SIGNATURE)) != _SIGNATURE:
        raise HrtfError("is not a SOFA file")


def _opened_path(file: BinaryIO, path: Path) -> str:
    """Return a path of the open file itself: HDF5 knows only UTF-8, and links may change."""
    own = f"/proc/self/fd/{file.fileno()}"
    return own if os.path.exists(own) else str(path.resolve())


def _read(file: Any) -> MeasuredSet:
    _require_convention(file)
    variable = _variable(file, "Data.IR")
    shape = tuple(int(length) for length in variable.shape)
    if len(shape) != 3:
        raise HrtfError(f"is damaged: Data.IR has {len(shape)} dimensions instead of 3")
    directions, receivers, taps = shape
    if receivers != 2:
        raise HrtfError(f"has {receivers} receivers; a head has 2 ears")
    if directions < MIN_DIRECTIONS:
        raise HrtfError(f"has only {directions} directions; a head needs {MIN_DIRECTIONS}")
    if taps < MIN_TAPS:
        raise HrtfError(f"has responses of only {taps} samples; a head needs {MIN_TAPS}")
    notes: list[str] = []
    rate_hz = _rate_hz(file)
    positions = sofa_positions.source_positions(file, directions)
    far, distance_note = sofa_positions.one_distance(positions)
    notes += distance_note
    kept = _thinned(positions, far)
    if len(kept) < len(far):
        notes.append(f"{len(kept)} of {len(far)} directions are used")
    if len(kept) * 2 * taps * 8 > MAX_DATA_BYTES:
        raise HrtfError(
            f"holds {len(kept) * 2 * taps * 8 >> 20} MB of responses; Entrain reads up to "
            f"{MAX_DATA_BYTES >> 20} MB"
        )
    responses = _responses(variable, kept)
    delays, delay_note = _delays_frames(file, directions, rate_hz)
    notes += delay_note
    delays = delays[kept]
    usable = np.isfinite(responses).all(axis=(1, 2)) & np.isfinite(delays).all(axis=1)
    usable &= (responses != 0).any(axis=2).all(axis=1)
    if missing := int((~usable).sum()):
        if usable.sum() < MIN_DIRECTIONS:
            raise HrtfError(f"has only {usable.sum()} directions with whole responses")
        notes.append(f"{missing} directions have missing or silent responses and are left out")
    unit = positions / np.linalg.norm(positions, axis=1, keepdims=True)
    return MeasuredSet(
        rate_hz,
        unit[kept][usable],
        _scaled(responses[usable]),
        delays[usable],
        {name: text for name in _FACTS if (text := _attribute(file, name))},
        tuple(notes),
    )


def _require_convention(file: Any) -> None:
    if _attribute(file, "Conventions") != "SOFA":
        raise HrtfError("is an HDF5 file, but not a SOFA file")
    convention = _attribute(file, "SOFAConventions")
    if convention != CONVENTION:
        about = _OTHER_CONVENTIONS.get(convention)
        raise HrtfError(
            f"holds {convention or 'an unnamed convention'}{f' ({about})' if about else ''}; "
            f"Entrain reads {CONVENTION}"
        )
    kind = _attribute(file, "DataType")
    if kind != "FIR":
        raise HrtfError(f"holds data of type {kind or 'unknown'}; Entrain reads FIR")


def _attribute(file: Any, name: str) -> str:
    if not file.hasGlobalAttribute(name):
        return ""
    text = str(file.getGlobalAttributeValue(name))
    if "\ufffd" in text:  # it is not UTF-8; older files hold Latin-1
        text = str(file.ncfile.file.getncattr(name, encoding="latin-1"))
    return plain(text.strip().replace("\n", " "), 200)


def _variable(file: Any, name: str) -> Any:
    if not file.hasVariable(name):
        raise HrtfError(f"is damaged: {name} is missing")
    return file.getVariableInstance(name)


def _rate_hz(file: Any) -> float:
    variable = _variable(file, "Data.SamplingRate")
    rates = sofa_positions.numbers(variable).ravel()
    units = str(getattr(variable, "Units", "hertz")).strip().lower()
    factor = {"hertz": 1.0, "hz": 1.0, "kilohertz": 1000.0, "khz": 1000.0}.get(units)
    if factor is None:
        raise HrtfError(f"has a sampling rate in {plain(units, 40)!r} instead of hertz")
    if not rates.size or not np.isfinite(rates).all():
        raise HrtfError("has no sampling rate")
    if np.ptp(rates) > 0:
        raise HrtfError("has several sampling rates")
    rate_hz = float(rates[0]) * factor
    if not MIN_RATE_HZ <= rate_hz <= MAX_RATE_HZ:
        raise HrtfError(
            f"has a sampling rate of {rate_hz:g} Hz; Entrain reads {MIN_RATE_HZ:g} to "
            f"{MAX_RATE_HZ:g} Hz"
        )
    return rate_hz


def _thinned(positions: Floats, candidates: Indices) -> Indices:
    """Choose one direction in each small cell of the sphere where there are very many."""
    directions = positions[candidates]
    directions = directions / np.linalg.norm(directions, axis=1, keepdims=True)
    cells_per_radius = 1000.0  # about 0.06°: only the same direction again
    while True:
        cells = np.round(directions * cells_per_radius).astype(np.int64)
        first = np.sort(np.unique(cells, axis=0, return_index=True)[1])
        if len(first) <= MAX_DIRECTIONS:
            break
        cells_per_radius = min(cells_per_radius, 32.0) * 0.9
    if len(first) < MIN_DIRECTIONS:
        raise HrtfError(f"has only {len(first)} different directions")
    return candidates[first]


def _responses(variable: Any, kept: Indices) -> Floats:
    """Read the chosen directions piece by piece: the whole variable may be too large."""
    pieces = []
    for begin in range(0, len(kept), _CHUNK_DIRECTIONS):
        some = kept[begin : begin + _CHUNK_DIRECTIONS]
        piece = sofa_positions.filled(variable[int(some[0]) : int(some[-1]) + 1])
        pieces.append(piece[some - some[0]])
    return np.concatenate(pieces)


def _delays_frames(file: Any, directions: int, rate_hz: float) -> tuple[Floats, list[str]]:
    if not file.hasVariable("Data.Delay"):
        return np.zeros((directions, 2)), ["the delays are missing; 0 is used"]
    delays = sofa_positions.numbers(file.getVariableInstance("Data.Delay"))
    if delays.shape not in ((1, 2), (directions, 2)):
        shape = " x ".join(map(str, delays.shape))
        raise HrtfError(f"is damaged: Data.Delay has {shape} values")
    delays = np.broadcast_to(delays, (directions, 2))
    finite = delays[np.isfinite(delays)]
    if finite.size and np.ptp(finite) > 0.01 * rate_hz:
        raise HrtfError("is damaged: its delays differ by more than 10 ms")
    return delays, []


def _scaled(responses: Floats) -> Floats:
    """Bring the loudest sample to 1: the level of a file is arbitrary."""
    largest = float(np.abs(responses).max())
    if not np.isfinite(largest) or largest < 1e-30:
        raise HrtfError("has silent responses")
    return responses / largest
