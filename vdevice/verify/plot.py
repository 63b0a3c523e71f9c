"""Draws what was measured, for a person who has never seen a spectrum."""

import textwrap
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from entrain.vdevice.verify import words
from entrain.vdevice.verify.analyse import Curves
from entrain.vdevice.verify.plot_text import ASIDE, aside, plain, subtitle, titled
from entrain.vdevice.verify.report import VerifyReport

_INK, _QUIET, _FOUND, _FLOOR = "#22303c", "#9aa7b2", "#0b7a75", "#dfe4e8"
_MARK = "#c8553d"


def draw(report: VerifyReport, curves: Curves | None, file: BinaryIO, kind: str = "png") -> None:
    """Write a picture of this kind (png, jpg, svg or pdf).

    Raises
    ------
    OSError
        The picture cannot be written.

    """
    with rc_context(_STYLE):
        picture(report, curves).savefig(file, format=kind)


_STYLE: dict[Any, Any] = {
    "font.size": 10,
    "text.color": _INK,
    "axes.labelcolor": _INK,
    "axes.edgecolor": _QUIET,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "xtick.color": _INK,
    "ytick.color": _INK,
}


def picture(report: VerifyReport, curves: Curves | None) -> Figure:
    """Return what `draw` writes."""
    figure = Figure(figsize=(11, 8.5), dpi=110, facecolor="white")
    findings = report.verdict[: min(2, max(1, len(report.found)))]
    title = "\n".join(textwrap.fill(plain(finding), 84) for finding in findings)
    figure.text(0.07, 0.97, title, size=13.5, weight="bold", va="top", linespacing=1.3)
    below = 0.965 - 0.0305 * (title.count("\n") + 1)
    figure.text(0.07, below, subtitle(report), size=9.5, color=ASIDE, va="top")
    if curves is not None:
        grid = figure.add_gridspec(
            2, 2, left=0.07, right=0.97, bottom=0.07, top=below - 0.105, hspace=0.5, wspace=0.2
        )
        _bars(figure.add_subplot(grid[0, :]), report)
        _rates(figure.add_subplot(grid[1, 0]), report, curves)
        _phase(figure.add_subplot(grid[1, 1]), report, curves)
    return figure


def _bars(axes: Axes, report: VerifyReport) -> None:
    bands = [band for band in report.bands if band.index is not None]
    at = np.arange(len(bands))
    index = np.array([band.index or 0.0 for band in bands])
    floor = np.array([band.floor or 0.0 for band in bands])
    sure = np.array([band.sure for band in bands], bool)
    axes.bar(at, floor, 0.96, color=_FLOOR)
    axes.bar(at[~sure], index[~sure], 0.62, color=_QUIET)
    axes.bar(at[sure], index[sure], 0.62, color=_FOUND)
    shown = np.r_[0.0, index, np.minimum(floor, 0.8)]
    axes.set_ylim(0, float(max(0.6, np.max(shown) * 1.1)))
    axes.set_xlim(-0.7, len(bands) + 0.6)
    axes.set_xticks(at, [words.band_name(band.centre_hz) for band in bands], size=8.5)
    axes.set_xlabel("Hz: bass left, treble right")
    axes.set_ylabel("modulation index")
    for depth, word in ((words.FAINT_INDEX, "faint"), (words.STRONG_INDEX, "strong")):
        axes.axhline(depth, color=_QUIET, lw=0.8, ls=":", zorder=0)
        aside(axes, depth, word)
    title = f"How deep the sound swells and fades {report.bands_rate_hz:.2f} times a second"
    if any(swell.in_original and swell.rate_hz == report.bands_rate_hz for swell in report.swells):
        title += ", as the original does"
    titled(
        axes,
        title,
        "0: not at all, 1: down to silence.  Green stands out; grey could be chance "
        "(light: what any other rate would give).",
    )


def _rates(axes: Axes, report: VerifyReport, curves: Curves) -> None:
    rates_hz, ratio = curves.envelope.rates_hz, curves.envelope.ratio
    # a picture has fewer points than the spectrum: the highest of each column is drawn
    column = np.digitize(rates_hz, np.geomspace(0.4, 101, 420))
    groups = [column == k for k in np.unique(column)]
    middle = np.array([rates_hz[group].mean() for group in groups])
    height_db = np.array([10 * np.log10(max(ratio[group].max(), 1e-3)) for group in groups])
    sure_db = float(10 * np.log10(curves.envelope.threshold))
    axes.fill_between(middle, height_db, -3, color=_FOUND, alpha=0.25, lw=0)
    axes.plot(middle, height_db, color=_FOUND, lw=1.2)
    axes.axhline(sure_db, color=_QUIET, lw=0.9, ls=":")
    marks = [(swell.rate_hz, f"{swell.rate_hz:.2f} Hz") for swell in report.swells]
    if report.rate_hz and all(abs(report.rate_hz - mark) > 0.05 for mark, _ in marks):
        where = " (between the ears)" if _is_between_the_ears(report) else ""
        marks.append((report.rate_hz, f"{report.rate_hz:.2f} Hz{where}"))
    for row, (rate, label) in enumerate(marks):
        axes.axvline(rate, color=_MARK, lw=1, ls="--", zorder=0)
        axes.annotate(
            label,
            (rate, 1.0),
            xycoords=("data", "axes fraction"),
            xytext=(-4 if rate > 20 else 4, -4 - 14 * row),
            textcoords="offset points",
            ha="right" if rate > 20 else "left",
            va="top",
            color=_MARK,
            weight="bold",
            bbox={"facecolor": "white", "edgecolor": "none", "alpha": 0.85, "pad": 1},
        )
    axes.set_xscale("log")
    axes.set_xlim(0.45, 100)
    axes.set_ylim(-3, float(max(25.0, height_db.max() * 1.15)))
    ticks = (0.5, 1, 2, 4, 8, 16, 32, 64)
    axes.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
    axes.minorticks_off()
    axes.set_xlabel("times a second")
    axes.set_ylabel("dB above its surroundings")
    said = "A peak above the dotted line is no accident."
    if report.found and not report.swells:
        said = "No peak: what is between the ears does not change the loudness."
    titled(axes, "Which rhythms the loudness has", said)


def _phase(axes: Axes, report: VerifyReport, curves: Curves) -> None:
    axes.set_xlabel("seconds: one of them")
    axes.set_xlim(0, 1)
    axes.set_ylim(-190, 190)
    axes.set_yticks((-180, -90, 0, 90, 180), ["−180°", "−90°", "0°", "90°", "180°"])
    axes.set_ylabel("phase (up: left ear ahead)")
    axes.axhline(0, color=_QUIET, lw=0.8, ls=":")
    between = report.interaural
    if between is None:
        said = "Mono: both ears get the same." if report.channels == 1 else "One ear is silent."
    else:
        times_s = np.linspace(0, 1, 2000)
        smooth = np.interp(times_s, curves.phase_s, np.unwrap(curves.phase_deg, period=360))
        degrees = (smooth + 180) % 360 - 180
        degrees[1:][np.abs(np.diff(degrees)) > 180] = np.nan  # where it comes round
        axes.plot(times_s, degrees, color=_FOUND, lw=1.6)
        turns = (smooth[-1] - smooth[0]) / 360
        said = "On the whole, the sound stays where it is."
        if report.tones:
            said = (
                f"The two tones turn {abs(report.tones[0].beat_hz):.2f} times (dashed): the beat."
            )
            _turning(axes, times_s, smooth, report.tones[0].beat_hz)
        elif between.slope_hz is not None:
            said = f"The sound turns {abs(between.slope_hz):.2f} times (dashed): the beat."
            _turning(axes, times_s, smooth, between.slope_hz)
        elif between.swing_hz is not None:
            said = f"The sound swings {between.swing_hz:.2f} times, ±{between.swing_deg:.0f}°."
        elif between.coherence > 0.99:
            said = "Both ears hear the same."
        elif abs(turns) > 2:
            said = "Here the sound turns, but not steadily enough for a beat."
        elif between.coherence < 0.5:
            said = "The ears have little in common: the phase wanders by chance."
    where = f" ({curves.phase_of})" if between else ""
    titled(axes, f"Between the ears{where}", said)


def _turning(
    axes: Axes, times_s: npt.NDArray[np.float64], phase_deg: npt.NDArray[np.float64], hz: float
) -> None:
    """Draw how the phase would turn if there were nothing else in the sound."""
    alone_deg = 360 * hz * times_s
    offset = np.angle(np.mean(np.exp(1j * np.radians(phase_deg - alone_deg))), deg=True)
    degrees = (alone_deg + offset + 180) % 360 - 180
    degrees[1:][np.abs(np.diff(degrees)) > 180] = np.nan  # where it comes round
    axes.plot(times_s, degrees, color=_MARK, lw=1, ls="--", zorder=0)


def _is_between_the_ears(report: VerifyReport) -> bool:
    """Tell whether the rate looked at is one at which the ears differ, and not the loudness."""
    found = [abs(pair.beat_hz) for pair in report.tones]
    if report.interaural:
        found += [abs(report.interaural.slope_hz or 0.0), report.interaural.swing_hz or 0.0]
    return any(abs(hz - (report.rate_hz or 0.0)) < 0.05 for hz in found)
