"""Describes findings in plain sentences."""

import math
from collections.abc import Sequence

from entrain.vdevice.verify.report import (
    BandDepth,
    Change,
    Following,
    Interaural,
    Pair,
    Swell,
    VerifyReport,
)

NOT_A_BRAIN = "The figures describe the sound, not a brain: they rank sounds and promise no effect."
NOTHING_ADDED = "No entrainment found: all that swells and fades does so in the original as well."
OWN_RHYTHM = "The music's own rhythm counts as well: --against ORIGINAL shows what was added."
GREATEST_CARRIER_HZ = 1300.0
FAINT_INDEX, STRONG_INDEX = 0.1, 0.3
_NOMINAL = (1, 1.25, 1.6, 2, 2.5, 3.15, 4, 5, 6.3, 8)
"""Names of third-octave bands (IEC 61260)."""


def nothing(asked_hz: float | None) -> str:
    """Say that there is no finding, in the whole range of rates or at the rate asked for."""
    where = "of 0.5 to 100 Hz" if asked_hz is None else f"at {asked_hz:.2f} Hz"
    text = (
        f"No entrainment found: no pair of steady tones, no steady rhythm {where}, "
        "no turning between the ears."
    )
    if asked_hz is not None:
        text += " Other rates of a rhythm were not examined."
    return text


def pair(found: Pair, level_db: float | None) -> str:
    """Describe a pair of tones."""
    error_hz = max(found.left.error_hz, found.right.error_hz)
    digits = 3 if error_hz < 1e-3 else 2 if error_hz < 1e-2 else 1
    text = (
        f"Both ears get a tone: {found.left.hz:.{digits}f} Hz left, "
        f"{found.right.hz:.{digits}f} Hz right: "
        f"a binaural beat of {abs(found.beat_hz):.{digits}f} Hz"
    )
    drift = found.left.drift_hz_per_min - found.right.drift_hz_per_min
    if abs(drift) >= 0.05:
        drift *= 1 if found.beat_hz >= 0 else -1
        text += f", gliding by {drift:+.2f} Hz a minute"
    if level_db is not None:
        below_db = level_db - max(found.left.level_db, found.right.level_db)
        if below_db > 3:
            text += f", {below_db:.0f} dB below the whole"
    if found.carrier_hz > GREATEST_CARRIER_HZ:
        text += " - but so high that the ears cannot compare them (limit about 1300 Hz)"
    return text + "."


def swell(found: Swell) -> str:
    """Describe a swell: its rate, its depth and its bands."""
    strength = "strong" if round(found.index, 2) >= STRONG_INDEX else "clear"
    if found.index < FAINT_INDEX:
        strength = "faint, at the limit of hearing"
    if abs(found.ears_deg) > 120:
        how = f"The sound moves from ear to ear {found.rate_hz:.2f} times a second"
    else:
        how = f"The sound swells and fades {found.rate_hz:.2f} times a second"
        if abs(found.ears_deg) > 30:
            how += f", the ears {abs(found.ears_deg):.0f}° apart"
    where = f"{_hz(found.low_hz)}–{_hz(found.high_hz)} Hz"
    text = f"{how}: index {found.index:.2f} in {where}"
    text += f" ({strength}{', in pulses' if found.index > 1.05 else ''})"
    if found.still_below_hz:
        text += f", nothing below {_hz(found.still_below_hz)} Hz"
    return text + (" - as the original does." if found.in_original else ".")


def own_beat(found: Interaural) -> str:
    """Describe a binaural beat of the music itself."""
    assert found.slope_hz is not None
    assert found.slope_coherence is not None
    higher = "left" if found.slope_hz > 0 else "right"
    return (
        f"The sound itself is {abs(found.slope_hz):.2f} Hz higher on the {higher} ear "
        f"(150–1300 Hz): a binaural beat of {abs(found.slope_hz):.2f} Hz, "
        f"shared by {found.slope_coherence:.0%} of it."
    )


def phase_swing(found: Interaural) -> str:
    """Describe a swing of the interaural phase."""
    return (
        f"The sound swings between the ears {found.swing_hz:.2f} times a second: "
        f"interaural phase ±{found.swing_deg:.0f}° (150–1300 Hz)."
    )


def following(found: Following) -> str:
    """Compare the model's figures with their floors."""

    def against(value: float, floor: float) -> str:
        times = value / max(floor, 1e-3)
        verdict = "nothing" if times < 2.5 else "weak" if value < 0.1 else "clear"
        return f"{value:.2f} (floor {floor:.2f}, {verdict})"

    return (
        f"A simple model of hearing at {found.rate_hz:.2f} Hz: "
        f"each ear follows with {against(found.efr, found.efr_floor)}, "
        f"both ears together with {against(found.mso, found.mso_floor)}."
    )


def change(found: Change, rate_hz: float | None, *, swells: bool) -> list[str]:
    """Describe the difference from the original; `swells`: whether the sound swells at the rate."""
    lines = []
    if found.loudness_lu is not None:
        size = abs(found.loudness_lu)
        direction = "louder than" if found.loudness_lu > 0 else "softer than"
        lines.append(
            "Against the original: as loud (within 0.05 LU)."
            if size < 0.05
            else f"Against the original: {size:.1f} LU {direction} it."
        )
    changes = [band for band in found.bands if band.index_change is not None]
    if changes and rate_hz:
        top = max(changes, key=lambda band: abs(band.index_change or 0.0))
        now = (top.original_index or 0.0) + (top.index_change or 0.0)
        if abs(top.index_change or 0.0) < 0.02:
            lines.append(
                f"At {rate_hz:.2f} Hz the original swells as much."
                if swells
                else f"At {rate_hz:.2f} Hz neither of the two swells."
            )
        else:
            lines.append(
                f"At {rate_hz:.2f} Hz the depth differs most at {band_name(top.centre_hz)} Hz: "
                f"{now:.2f}, in the original {top.original_index or 0.0:.2f}."
            )
    if abs(found.correlation) < 0.3:
        lines.append(
            f"The two have little in common (correlation {found.correlation:.2f}): "
            "another piece, or shifted in frequency."
        )
    return lines


def as_text(report: VerifyReport) -> str:
    """Return the whole report as text: findings, bands, notes."""
    lines = list(report.verdict)
    if any(band.sure for band in report.bands):
        lines += ["", *_table(report.bands, report.bands_rate_hz)]
    lines += ["", f"Examined {report.section_s:.1f} s from {report.section_start_s:.1f} s on."]
    lines += report.notes
    return "\n".join(lines)


def _table(bands: Sequence[BandDepth], rate_hz: float | None) -> list[str]:
    lines = [f"Index at {rate_hz:.2f} Hz per third octave (· within the floor):"]
    for band in bands:
        if band.index is None:
            continue
        bar = "█" * max(1, round(band.index * 40)) if band.sure else "·"
        value = f"{band.index:.2f}" if band.sure else "    "
        lines.append(f"{band_name(band.centre_hz):>5} Hz  {value}  {bar}")
    return lines


def band_name(centre_hz: float) -> str:
    """Return the nominal centre of a third-octave band, such as 31.5, 63, 125 or 2k."""
    step = round(10 * math.log10(centre_hz))
    nominal = _NOMINAL[step % 10] * 10 ** (step // 10)
    return f"{nominal / 1000:g}k" if nominal >= 1000 else f"{nominal:g}"


def _hz(value: float) -> str:
    """Format a frequency with two significant digits, such as 63, 180 or 5600."""
    size = 10 ** max(0, len(str(int(value))) - 2)
    return str(round(value / size) * size)
