"""Draws a head: where it was measured, what it does to sounds around the listener."""

from pathlib import Path
from typing import Any

import numpy as np

from entrain.platform.installation_kind import how_to_add
from entrain.vdevice.hrtf.errors import HrtfError
from entrain.vdevice.hrtf.preparation import grid
from entrain.vdevice.hrtf.preparation.alignment import AlignedSet, interaural_delays_s
from entrain.vdevice.hrtf.preparation.measured_set import Floats, angles_deg
from entrain.vdevice.hrtf.preparation.prepare import PreparedHead, at, prepare
from entrain.vdevice.hrtf.preparation.spectra import FREQUENCIES_HZ

_AROUND_DEG = np.arange(-180.0, 181.0, 2.5)
_LEFT, _RIGHT, _QUIET = "#0b7a75", "#c8553d", "#9aa7b2"


def draw(aligned: AlignedSet, path: Path) -> None:
    """Write a picture of the kind that the suffix names.

    Raises
    ------
    HrtfError
        matplotlib is missing.
    OSError
        The picture cannot be written.

    """
    try:
        from matplotlib.figure import Figure
    except ModuleNotFoundError:
        raise HrtfError(
            f"cannot be drawn without matplotlib; {how_to_add(('matplotlib',))}"
        ) from None
    head = prepare(aligned)
    figure = Figure(figsize=(11, 8), dpi=100, facecolor="white")
    title = aligned.facts.get("Title") or "Head-related transfer functions"
    figure.suptitle(title.replace("$", r"\$"), x=0.07, ha="left", weight="bold")
    panels = figure.subplots(2, 2)
    figure.subplots_adjust(left=0.07, right=0.97, bottom=0.07, top=0.9, hspace=0.35, wspace=0.36)
    spectra = at(head, _AROUND_DEG, np.zeros_like(_AROUND_DEG))
    _directions(panels[0, 0], aligned.directions)
    _colours(panels[0, 1], spectra)
    _delays(panels[1, 0], spectra)
    _equaliser(panels[1, 1], head)
    figure.savefig(path)


def _directions(axes: Any, directions: Floats) -> None:
    azimuths, elevations = angles_deg(directions)
    axes.plot((azimuths + 180) % 360 - 180, elevations, ".", color=_LEFT, markersize=3)
    axes.set(xlim=(180, -180), ylim=(-92, 92), xticks=[180, 90, 0, -90, -180])
    axes.set_xticklabels(["back", "left", "front", "right", "back"])
    axes.set_ylabel("elevation in degrees")
    axes.set_title(f"{len(directions)} measured directions", loc="left", size=10)


def _colours(axes: Any, spectra: "np.ndarray[Any, Any]") -> None:
    used = (FREQUENCIES_HZ >= 200) & (FREQUENCIES_HZ <= 18_000)
    levels_db = 20 * np.log10(np.abs(spectra[:, 0, used]) + 1e-6)
    mesh = axes.pcolormesh(
        _AROUND_DEG, FREQUENCIES_HZ[used] / 1000, levels_db.T, vmin=-30, vmax=15, shading="nearest"
    )
    axes.figure.colorbar(mesh, ax=axes, label="dB")
    axes.set(xlim=(180, -180), yscale="log", xticks=[180, 90, 0, -90, -180])
    axes.set_xticklabels(["back", "left", "front", "right", "back"])
    axes.set_yticks([0.2, 0.5, 1, 2, 5, 10], ["0.2", "0.5", "1", "2", "5", "10"])
    axes.set_ylabel("kHz")
    axes.set_title("left ear, sources around the listener", loc="left", size=10)


def _delays(axes: Any, spectra: "np.ndarray[Any, Any]") -> None:
    high = (FREQUENCIES_HZ >= 1500) & (FREQUENCIES_HZ <= 16_000)
    levels_db = 10 * np.log10((np.abs(spectra[..., high]) ** 2).mean(axis=-1))
    axes.plot(_AROUND_DEG, -interaural_delays_s(spectra) * 1e6, color=_LEFT)
    axes.set(xlim=(180, -180), xticks=[180, 90, 0, -90, -180])
    axes.set_xticklabels(["back", "left", "front", "right", "back"])
    axes.set_ylabel("µs by which the left ear is earlier", color=_LEFT)
    axes.axhline(0, color=_QUIET, lw=0.8)
    other = axes.twinx()
    other.plot(_AROUND_DEG, levels_db[:, 0] - levels_db[:, 1], color=_RIGHT)
    other.set_ylabel("dB by which the left ear is louder", color=_RIGHT)
    axes.set_title("between the ears", loc="left", size=10)


def _equaliser(axes: Any, head: PreparedHead) -> None:
    heard = FREQUENCIES_HZ > 40
    axes.semilogx(
        FREQUENCIES_HZ[heard],
        20 * np.log10(np.abs(head.equaliser[heard])),
        color=_LEFT,
        label="correction of the diffuse field",
    )
    power = (
        np.einsum(
            "n,nef->f",
            grid.areas(),
            np.abs(np.fft.rfft(head.responses.reshape(-1, 2, head.responses.shape[-1]), 1024)) ** 2,
        )
        / 2
    )
    axes.semilogx(
        FREQUENCIES_HZ[heard],
        10 * np.log10(power[heard]),
        color=_RIGHT,
        label="diffuse field afterwards",
    )
    axes.set(xlim=(40, 20_000), xlabel="Hz", ylabel="dB")
    axes.set_xticks([100, 1000, 10_000], ["100", "1 000", "10 000"])
    axes.legend(frameon=False, fontsize=9)
    axes.set_title("colour", loc="left", size=10)
