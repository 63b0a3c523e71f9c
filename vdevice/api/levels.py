"""The levels before and after processing, as the status shows them."""

import math
from collections.abc import Collection

from entrain.engine import Engine
from entrain.vdevice.api.messages import Levels


def levels(engine: Engine) -> Levels:
    """Read an engine's meters; on any thread."""
    meters = engine.levels()
    before, after = engine.loudness()
    return Levels(
        in_db=_decibels(meters.in_rms),
        out_db=_decibels(meters.out_rms),
        in_lufs=before.short_term_lufs,
        out_lufs=after.short_term_lufs,
        integrated_in_lufs=before.integrated_lufs,
        integrated_out_lufs=after.integrated_lufs,
        in_rms_db=_of_each_ear(meters.in_rms),
        in_peak_db=_of_each_ear(meters.in_peak),
        out_rms_db=_of_each_ear(meters.out_rms),
        out_peak_db=_of_each_ear(meters.out_peak),
    )


def _decibels(amplitudes: Collection[float]) -> float | None:
    """Return the highest level in dB, or None for silence."""
    highest = max(amplitudes)
    return 20 * math.log10(highest) if highest > 0 else None


def _of_each_ear(amplitudes: tuple[float, float]) -> tuple[float | None, float | None]:
    left, right = amplitudes
    return _decibels([left]), _decibels([right])
