"""Describes a head in numbers."""

from typing import Any

import numpy as np

from entrain.vdevice.hrtf.preparation import grid
from entrain.vdevice.hrtf.preparation.alignment import AlignedSet
from entrain.vdevice.hrtf.preparation.measured_set import angles_deg
from entrain.vdevice.hrtf.preparation.spectra import FREQUENCIES_HZ

_SPEED_M_PER_S = 343.0


def describe(aligned: AlignedSet) -> dict[str, Any]:
    """Return facts and figures as JSON has them."""
    _, elevations = angles_deg(aligned.directions)
    between_ears = np.abs(aligned.arrivals_s[:, 0] - aligned.arrivals_s[:, 1])
    high = (FREQUENCIES_HZ >= 1500) & (FREQUENCIES_HZ <= 16_000)
    levels_db = 10 * np.log10((aligned.magnitudes[..., high] ** 2).mean(axis=-1))
    longest_s = float(between_ears.max())
    return {
        "facts": aligned.facts,
        "notes": list(aligned.notes),
        "directions": len(aligned.directions),
        "lowest_deg": round(float(elevations.min()), 1),
        "highest_deg": round(float(elevations.max()), 1),
        "covered_percent": round(100 * grid.covered_share(aligned.directions)),
        "longest_itd_us": round(longest_s * 1e6),
        "largest_ild_db": round(float(np.abs(np.diff(levels_db, axis=1)).max()), 1),
        "head_cm": _circumference_cm(longest_s),
    }


def _circumference_cm(longest_s: float) -> int:
    """Estimate the circumference of the head from its longest delay, after Woodworth."""
    radius_m = longest_s * _SPEED_M_PER_S / (1 + np.pi / 2)
    return round(2 * np.pi * radius_m * 100)
