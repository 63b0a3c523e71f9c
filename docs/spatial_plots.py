"""Draws the pictures of docs/spatial.md, and prints its table.

    PYTHONPATH=tests:tests/unit/hrtf .venv/bin/python docs/spatial_plots.py

KEMAR needs Debian's package libmysofa1; `ENTRAIN_SOFA` names a folder with the other four sets.
"""

import os
from pathlib import Path
from typing import Any

import hrtf_measures
import numpy as np
import test_accuracy
from hrtf_measures import Spectra, differences, itd_us, levels_db
from matplotlib.figure import Figure
from measured_heads import KEMAR, LEFT_OUT
from test_accuracy import Subject, kept_15_degrees_apart, part_of, transformed

from entrain.vdevice.hrtf.preparation import ambisonics, sofa
from entrain.vdevice.hrtf.preparation.alignment import align
from entrain.vdevice.hrtf.preparation.kemar import kemar
from entrain.vdevice.hrtf.preparation.plot import draw
from entrain.vdevice.hrtf.preparation.prepare import Options, at, prepare

IMAGES = Path(__file__).parent / "images"
COLOURS = {
    "KEMAR": "#22303c",
    "KU100": "#0b7a75",
    "ARI": "#c8553d",
    "CIPIC": "#7a6ca8",
    "LISTEN": "#c79a2b",
}


def subjects() -> list[Subject]:
    """Read and prepare all sets that are here."""
    paths = {"KEMAR": KEMAR}
    if folder := os.environ.get("ENTRAIN_SOFA"):
        paths |= {name: Path(folder) / file for name, file in LEFT_OUT.items()}
    found = []
    for name, path in paths.items():
        measured = sofa.read(path)
        aligned = align(measured)
        found.append(Subject(name, transformed(measured), aligned, prepare(aligned)))
    return found


def decoded(subject: Subject, order: int) -> Spectra:
    """Return what a decoder makes of the measured directions."""
    head = subject.head
    filters = head.decoder if order == 3 else head.first_order_decoder
    basis = ambisonics.harmonics(order, subject.aligned.directions)
    return np.einsum("dc,ecf->def", basis, np.fft.rfft(filters, hrtf_measures.FRAMES, axis=-1))


def held_out(subject: Subject) -> tuple[Spectra, Spectra]:
    """Return found and wanted spectra of directions between others about 15° apart."""
    azimuths, elevations = subject.directions
    kept = kept_15_degrees_apart(subject.aligned.directions)
    rest = np.setdiff1d(np.arange(len(azimuths)), kept)
    rest = rest[elevations[rest] >= elevations[kept].min()]
    head = prepare(part_of(subject.aligned, kept))
    return at(head, azimuths[rest], elevations[rest]), subject.measured[rest] * head.equaliser


def errors(subject: Subject) -> dict[str, tuple[Spectra, Spectra]]:
    """Return found and wanted spectra by the way in which they were found."""
    wanted = subject.measured * subject.head.equaliser
    short = prepare(subject.aligned, Options(taps=128))
    return {
        "256 taps": (at(subject.head, *subject.directions), wanted),
        "128 taps": (at(short, *subject.directions), subject.measured * short.equaliser),
        "held out, 15°": held_out(subject),
        "scene, order 3": (decoded(subject, 3), wanted),
        "scene, order 1": (decoded(subject, 1), wanted),
    }


def print_table(found: dict[str, dict[str, tuple[Spectra, Spectra]]]) -> None:
    """Print the rows of the table in docs/spatial.md."""
    for name, ways in found.items():
        cells = []
        for pair in ways.values():
            off = differences(*pair)
            itd = f"{off.itd_us:.1f} ({off.itd_p95_us:.0f})"
            cells.append(f"{itd} / {off.ild_db:.2f} / {off.lsd_db:.2f}")
        print(f"| {name} | {' | '.join(cells)} |")


def draw_accuracy(
    heads: list[Subject], found: dict[str, dict[str, tuple[Spectra, Spectra]]]
) -> Figure:
    """Draw errors between the measured directions, of the scene, and the loudness of pairs."""
    figure = Figure(figsize=(12, 4), dpi=100, facecolor="white")
    delays, colours, loudness = figure.subplots(1, 3)
    figure.subplots_adjust(left=0.06, right=0.98, bottom=0.16, top=0.88, wspace=0.25)
    for name, ways in found.items():
        _distribution(delays, ways["held out, 15°"], COLOURS[name], "-", name)
        _distribution(delays, ways["scene, order 3"], COLOURS[name], ":", None)
        _by_frequency(colours, ways["held out, 15°"], COLOURS[name], "-")
        _by_frequency(colours, ways["scene, order 3"], COLOURS[name], ":")
    for subject in heads:
        _loudness(loudness, subject)
    delays.set(xlim=(0, 60), ylim=(0, 100), xlabel="error of the delay between the ears, µs")
    delays.set_ylabel("% of the directions")
    delays.set_title("left out, 15° apart (lines); order 3 (dots)", loc="left", size=10)
    delays.legend(frameon=False, fontsize=9)
    colours.set(xscale="log", xlim=(200, 16_000), ylim=(0, 6), xlabel="Hz")
    colours.set_xticks(
        [200, 500, 1000, 2000, 5000, 10_000], ["200", "500", "1 k", "2 k", "5 k", "10 k"]
    )
    colours.set_ylabel("error of the level, dB (rms)")
    colours.set_title("the same by frequency", loc="left", size=10)
    loudness.set(xlim=(0, 220), ylim=(-3.5, 1.5), xlabel="width of the pair, degrees")
    loudness.axhline(0.5, color="#9aa7b2", lw=0.8)
    loudness.set_ylabel("LU louder than without Entrain")
    loudness.set_title("pink noise: mono (lines), stereo (dots)", loc="left", size=10)
    return figure


def _distribution(
    axes: Any, pair: tuple[Spectra, Spectra], colour: str, style: str, label: str | None
) -> None:
    off = np.sort(np.abs(itd_us(pair[0]) - itd_us(pair[1])))
    axes.plot(off, np.linspace(0, 100, len(off)), style, color=colour, label=label)


def _by_frequency(axes: Any, pair: tuple[Spectra, Spectra], colour: str, style: str) -> None:
    off = np.sqrt(((levels_db(pair[0]) - levels_db(pair[1])) ** 2).mean(axis=(0, 1)))
    axes.plot([low for low, _ in hrtf_measures.BANDS], off, style, color=colour)


def _loudness(axes: Any, subject: Subject) -> None:
    stereo_lu, mono_lu, widths = test_accuracy.loudness_of_pairs(subject.head, 0, 220)
    axes.plot(widths, mono_lu, "-", color=COLOURS[subject.name])
    axes.plot(widths, stereo_lu, ":", color=COLOURS[subject.name])


def main() -> None:
    """Draw everything."""
    draw(kemar(), IMAGES / "spatial-kemar.png")
    heads = subjects()
    found = {subject.name: errors(subject) for subject in heads}
    print_table(found)
    draw_accuracy(heads, found).savefig(IMAGES / "spatial-accuracy.png")


if __name__ == "__main__":
    main()
