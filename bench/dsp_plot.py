"""Plots the figures of ``dsp.py``: the cost of each block, and the peers' times beside it."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dsp_setup import PROTOCOLS, RATE_HZ, WHOLE_FILE

if TYPE_CHECKING:
    from matplotlib.axes import Axes

FRAMES = 128
OWN, OWN_DARK, INK = "#3b7dd8", "#1f4f94", "#4b5563"
PEERS = {
    ("DawDreamer", FRAMES): ("#e08a3c", f"DawDreamer, {FRAMES} frames"),
    ("numpy/scipy", WHOLE_FILE): ("#9ca3af", "numpy/scipy, whole file"),
    ("numpy/scipy", FRAMES): ("#4b5563", f"numpy/scipy, {FRAMES} frames"),
}

Figures = Mapping[tuple[str, str, int], dict[str, Any]]


def draw(path: Path, figures: Iterable[dict[str, Any]]) -> None:
    """Write a PNG file."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    shown = {(f["who"], f["what"], f["block_frames"]): f for f in figures}
    kinds = {what for who, what, _ in shown if who == "Entrain"} - set(PROTOCOLS)
    names = sorted(kinds, key=lambda what: float(shown["Entrain", what, FRAMES]["median_ns"]))
    names += PROTOCOLS
    pyplot.rcParams.update({"font.size": 9, "axes.spines.top": False, "axes.spines.right": False})
    figure, (left, right) = pyplot.subplots(
        1, 2, figsize=(10, 5.6), sharey=True, layout="constrained"
    )
    _costs(left, shown, names)
    _ratios(right, shown, names)
    for axes in (left, right):
        axes.axhline(len(kinds) - 0.5, color=INK, linewidth=0.6)  # below the protocols
        axes.tick_params(axis="y", length=0)
    left.set_yticks(range(len(names)), names)
    figure.savefig(path, dpi=100, pil_kwargs={"optimize": True})
    pyplot.close(figure)


def _costs(axes: "Axes", shown: Figures, names: list[str]) -> None:
    own = [shown["Entrain", what, FRAMES] for what in names]
    medians = [figure["median_ns"] for figure in own]
    colours = [OWN_DARK if what in PROTOCOLS else OWN for what in names]
    bars = axes.barh(range(len(names)), medians, color=colours, height=0.7)
    axes.bar_label(bars, [f"{value:.0f}" for value in medians], padding=3, color=INK)
    least = [figure["least_ns"] for figure in own]
    axes.plot(least, range(len(names)), "|", color="white", markersize=9, markeredgewidth=1.5)
    axes.set_xlabel("ns of processor time per frame: median; white mark: least")
    axes.set_title(f"Entrain, blocks of {FRAMES} frames at {RATE_HZ // 1000} kHz", loc="left")
    axes.margins(x=0.1, y=0.02)


def _ratios(axes: "Axes", shown: Figures, names: list[str]) -> None:
    for (who, frames), (colour, label) in PEERS.items():
        rows = [at for at, what in enumerate(names) if (who, what, frames) in shown]
        if not rows:
            continue
        ratios = [shown[who, names[at], frames]["times_entrain"] for at in rows]
        places, heights = [], []
        for at in rows:  # several peers share the height of a row
            peers = [peer for peer in PEERS if (peer[0], names[at], peer[1]) in shown]
            heights.append(0.76 / len(peers))
            place = peers.index((who, frames)) - (len(peers) - 1) / 2
            places.append(at + place * heights[-1])
        widths = [ratio - 1 for ratio in ratios]
        bars = axes.barh(places, widths, heights, left=1, color=colour, label=label)
        texts = [f"{ratio:.2f}" if ratio < 10 else f"{ratio:.0f}" for ratio in ratios]
        axes.bar_label(bars, texts, padding=3, color=INK, fontsize=7)
    axes.axvline(1, color=OWN_DARK, linewidth=1.5)
    axes.set_xscale("log")
    ticks = [0.5, 1, 2, 5, 10, 20]
    axes.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
    axes.minorticks_off()
    axes.set_xlabel("← quicker      time for the same work, Entrain = 1      slower →")
    axes.set_title("The same work in other programs, same run", loc="left")
    axes.margins(x=0.15)
    axes.legend(loc="lower right", frameon=False, fontsize=8)
