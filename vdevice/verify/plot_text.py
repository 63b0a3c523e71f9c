"""The words in a picture of what was found."""

from pathlib import Path

from matplotlib.axes import Axes

from entrain.vdevice.verify.report import VerifyReport

ASIDE = "#5d6b77"
"""The colour of what is said beside the picture."""

_MOST_NAME = 60
"""Longer names of files are cut in the middle."""


def titled(axes: Axes, title: str, said: str) -> None:
    """Write a title over a part of the picture, and below it what is seen there."""
    axes.set_title(title, loc="left", size=11.5, weight="bold", pad=20)
    axes.annotate(
        said,
        (0, 1),
        xycoords="axes fraction",
        xytext=(0, 6),
        textcoords="offset points",
        size=9.5,
        color=ASIDE,
    )


def aside(axes: Axes, height: float, text: str) -> None:
    """Write a remark at the right edge, at this height in parts of the axes."""
    axes.annotate(
        text,
        (1.0, height),
        xycoords=("axes fraction", "data"),
        xytext=(-2, 2),
        textcoords="offset points",
        ha="right",
        size=8.5,
        color=ASIDE,
    )


def subtitle(report: VerifyReport) -> str:
    """Say of which sound the picture is."""
    name = Path(report.file).name
    if len(name) > _MOST_NAME:
        name = f"{name[: _MOST_NAME - 20]}…{name[-19:]}"
    parts = [plain(name)]
    parts.append(
        f"{report.section_s:.0f} s from {report.section_start_s:.0f} s on, "
        f"of {report.seconds:.0f} s"
    )
    if report.loudness_lufs is not None:
        parts.append(f"{report.loudness_lufs:.1f} LUFS")
    parts.append("measured in the sound, not in a brain")
    return " · ".join(parts)


def plain(text: str) -> str:
    """Matplotlib takes what is between two dollar signs for a formula."""
    return text.replace("$", r"\$")
