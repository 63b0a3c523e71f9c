"""The built-in head: MIT's KEMAR as packed data.

The measurement is exactly mirror-symmetric, so the data holds the left ear only: minimum phase of
128 taps, and arrival times.  As a program, this module makes the data from the SOFA file that
Debian's package libmysofa1 brings:

    python -m entrain.vdevice.hrtf.preparation.kemar MIT_KEMAR_normal_pinna.sofa mit-kemar.head.xz
"""

import json
import lzma
import sys
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np

from entrain.vdevice.hrtf.errors import HrtfError
from entrain.vdevice.hrtf.preparation import sofa
from entrain.vdevice.hrtf.preparation.alignment import AlignedSet, align
from entrain.vdevice.hrtf.preparation.measured_set import Floats, Indices, angles_deg, unit_vectors
from entrain.vdevice.hrtf.preparation.spectra import FRAMES, cut, minimum_phase

FILE_NAME = "mit-kemar.head.xz"
_TAPS = 128
_PEAK = 5000
"""Largest integer of each direction: the error is -69 dB, and the file stays below 100 kB."""
_ANGLE_STEPS, _TIME_STEPS_S, _PEAK_STEPS = 100, 1e-7, 2000
_FACTS = {
    "Title": "MIT KEMAR, normal pinnae",
    "Organization": "MIT Media Lab",
    "License": "free with no restrictions on use, provided the authors are cited",
    "References": "W. G. Gardner and K. D. Martin, HRTF measurements of a KEMAR, 1995",
}


def kemar() -> AlignedSet:
    """Return the responses of the built-in head."""
    packed = resources.files("entrain.presets") / "heads" / FILE_NAME
    return unpacked(packed.read_bytes())


def packed(aligned: AlignedSet) -> bytes:
    """Pack a symmetric set.

    Raises
    ------
    HrtfError
        The two ears are not mirror images of each other.

    """
    mirrored = _mirrored(aligned.directions)
    ratio = aligned.magnitudes[:, 1] / aligned.magnitudes[mirrored, 0]
    if np.abs(20 * np.log10(ratio)).max() > 0.1:
        raise HrtfError("the head is not symmetric")
    azimuths, elevations = angles_deg(aligned.directions)
    order = np.lexsort(((azimuths + 180) % 360, np.round(elevations, 1)))  # neighbours together
    azimuths, elevations = azimuths[order], elevations[order]
    spectra = minimum_phase(aligned.magnitudes[order, :1])[:, 0]
    responses = cut(np.fft.irfft(spectra, FRAMES, axis=-1), _TAPS)
    peaks = np.ceil(np.abs(responses).max(axis=1) / np.abs(responses).max() * _PEAK_STEPS)
    peaks /= _PEAK_STEPS
    responses /= np.abs(responses).max()
    steps = np.round(responses / peaks[:, np.newaxis] * _PEAK).astype(np.int64)
    # Neighbours are alike, so their differences, tap by tap, are small numbers.
    changes = np.diff(steps.T, axis=1, prepend=0).astype("<i2")
    head: dict[str, Any] = {"taps": _TAPS}
    arrivals = aligned.arrivals_s[order, 0] - aligned.arrivals_s.min()
    for name, numbers in (
        ("peaks", peaks * _PEAK_STEPS),
        ("azimuths", azimuths * _ANGLE_STEPS),
        ("elevations", elevations * _ANGLE_STEPS),
        ("arrivals", arrivals / _TIME_STEPS_S),
    ):
        head[name] = [round(float(number)) for number in numbers]
    planes = np.ascontiguousarray(changes).view(np.uint8).reshape(-1, 2).T.tobytes()
    line = json.dumps(head, separators=(",", ":")).encode() + b"\n"
    return lzma.compress(line + planes, preset=9 | lzma.PRESET_EXTREME)


def unpacked(data: bytes) -> AlignedSet:
    """Unpack the left ear, and mirror it for the right one."""
    line, _, planes = lzma.decompress(data).partition(b"\n")
    head = json.loads(line)
    peaks = np.array(head["peaks"]) / _PEAK_STEPS
    shape = head["taps"], len(peaks)
    changes = np.frombuffer(planes, np.uint8).reshape(2, -1).T.copy().view("<i2").reshape(shape)
    steps = np.cumsum(changes.astype(np.int64), axis=1).T
    responses = steps * (peaks / _PEAK)[:, np.newaxis]
    left = np.abs(np.fft.rfft(responses, FRAMES, axis=-1))
    azimuths, elevations = (
        np.array(head[name]) / _ANGLE_STEPS for name in ("azimuths", "elevations")
    )
    directions = unit_vectors(azimuths, elevations)
    mirrored = _mirrored(directions)
    arrivals = np.array(head["arrivals"]) * _TIME_STEPS_S
    return AlignedSet(
        directions,
        np.stack([left, left[mirrored]], axis=1),
        np.stack([arrivals, arrivals[mirrored]], axis=1),
        dict(_FACTS),
    )


def _mirrored(directions: Floats) -> Indices:
    """Return, for each direction, the index of its mirror image on the other side."""
    found = (directions * [1, -1, 1]) @ directions.T
    return np.asarray(found.argmax(axis=1))


if __name__ == "__main__":
    Path(sys.argv[2]).write_bytes(packed(align(sofa.read(Path(sys.argv[1])))))
