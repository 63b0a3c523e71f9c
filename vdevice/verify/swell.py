"""How deep a sound swells at a rate: by itself, or more than what it was made of."""

from collections.abc import Sequence

import numpy as np

from entrain.vdevice.verify import words
from entrain.vdevice.verify.bands import edges_hz
from entrain.vdevice.verify.report import BandDepth, Swell

_LEAST_INDEX = 0.02
STEPS = 6


def swell_at(
    bands: Sequence[BandDepth], rate_hz: float, original: Sequence[BandDepth] | None
) -> Swell | None:
    """Find the longest run of bands that swell about alike."""
    loudest_db = max((b.level_db for b in bands if b.level_db is not None), default=0.0)
    # partials further apart than hearing's filters are wide are two tones, not one that swells
    wide = [b for b in bands if b.centre_hz > 3.5 * rate_hz]
    audible = [b for b in wide if b.level_db is not None and b.level_db > loudest_db - 40]
    moving = [b.index for b in audible if b.sure and b.index and b.index >= _LEAST_INDEX]
    if not moving:
        return None
    least = float(np.median(moving)) / 2
    runs: list[list[BandDepth]] = [[]]
    gap = 0
    for band in audible:
        if band.sure and band.index is not None and band.index >= least:
            runs[-1].append(band)
            gap = 0
        else:
            gap += 1
            if gap > 1:  # one band that does not join in is an accident
                runs.append([])
    run = max(runs, key=len)
    below = [b for b in bands if b.index is not None and b.centre_hz < run[0].centre_hz]
    still = []
    for band in below:
        index = band.index or 0.0
        # What may move by chance only is no stillness either, if it moves as much as this.
        if (band.sure and index > 0.05) or index > max(words.FAINT_INDEX, 2 * (band.floor or 0.0)):
            break
        still.append(band)
    turn = sum(
        10 ** ((b.level_db or 0.0) / 10) * np.exp(1j * np.radians(b.ears_deg))
        for b in run
        if b.ears_deg is not None
    )
    index = _median(run)
    old = None
    if original is not None:
        centres = [b.centre_hz for b in run]
        same = [b for b in original if b.centre_hz in centres]
        old = index - _median(same) < max(_LEAST_INDEX, 0.15 * index)
    return Swell(
        rate_hz=rate_hz,
        index=index,
        low_hz=edges_hz(run[0].centre_hz)[0],
        high_hz=edges_hz(run[-1].centre_hz)[1],
        still_below_hz=edges_hz(still[-1].centre_hz)[1] if still else None,
        ears_deg=float(np.degrees(np.angle(turn))),
        in_original=old,
    )


def _median(bands: Sequence[BandDepth]) -> float:
    return float(np.median([(b.index or 0.0) if b.sure else 0.0 for b in bands]))
