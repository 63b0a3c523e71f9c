"""Writes small made-up SOFA files: a good one, and every odd form.

The head in them is made up: a sphere's delays, a shadow on the far side, dull sounds from behind,
bright sounds from above, and a right ear that differs from the left one.  So left and right, front
and back, above and below can be told apart, and swapped ears are noticed.

As a program, this writes all of them into a folder:

    python tests/unit/hrtf/sofa_files.py FOLDER
"""

import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import netCDF4
import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

RADIUS_M, SPEED_M_PER_S, DISTANCE_M, LEAD_S = 0.0875, 343.0, 1.2, 0.0005
_ATTRIBUTES = (
    *("Version", "SOFAConventionsVersion", "APIName", "APIVersion", "AuthorContact", "Comment"),
    *("Organization", "DateCreated", "DateModified", "Title", "DatabaseName", "Origin"),
    *("ListenerShortName", "References", "History", "ApplicationName", "ApplicationVersion"),
)


@dataclass
class Form:
    """The content of a file and its notation."""

    azimuths_deg: Floats
    elevations_deg: Floats
    responses: Floats
    """(directions, receivers, taps)"""
    rate: float = 48_000.0
    rate_units: str = "hertz"
    delays: Floats | None = field(default_factory=lambda: np.zeros((1, 2)))
    distances_m: Floats | None = None
    kind: str = "spherical"
    units: str = "degree, degree, metre"
    convention: str = "SimpleFreeFieldHRIR"
    conventions: str = "SOFA"
    data_type: str = "FIR"
    fill: float | None = None
    """A value that marks samples as missing."""
    view: tuple[float, ...] = (1.0, 0.0, 0.0)
    position: tuple[float, ...] = (0.0, 0.0, 0.0)
    without: tuple[str, ...] = ()
    """Variables that are left out."""
    attributes: Mapping[str, Any] = field(default_factory=dict)


def head(
    azimuths_deg: Floats, elevations_deg: Floats, rate_hz: float = 48_000.0, taps: int = 128
) -> Floats:
    """Return (directions, 2, taps) responses of the made-up head."""
    azimuths, elevations = np.deg2rad(azimuths_deg), np.deg2rad(elevations_deg)
    x = np.cos(elevations) * np.cos(azimuths)
    y, z = np.cos(elevations) * np.sin(azimuths), np.sin(elevations)
    frequencies = np.fft.rfftfreq(1024, 1 / rate_hz)
    found = np.empty((len(x), 2, taps))
    for ear, side in enumerate((1, -1)):
        cosine = np.clip(side * y, -1, 1)
        angle = np.arccos(cosine)
        later_s = RADIUS_M / SPEED_M_PER_S * np.where(cosine > 0, -cosine, angle - np.pi / 2)
        shadow_hz = 20_000.0 * 10 ** (-0.9 * (1 - cosine) / 2)
        magnitude = 1 / np.sqrt(1 + (frequencies / shadow_hz[:, np.newaxis]) ** 2)
        high = frequencies / (frequencies + 4000.0)
        colour_db = 6 * z - 8 * (1 - x) / 2
        magnitude *= 10 ** (colour_db[:, np.newaxis] * high / 20)
        if side < 0:  # the right ear has a notch of its own
            magnitude *= 1 - 0.6 * np.exp(-(((frequencies - 7000) / 800) ** 2))
        spectrum = _minimum_phase(magnitude)
        spectrum *= np.exp(-2j * np.pi * frequencies * (later_s[:, np.newaxis] + LEAD_S))
        found[:, ear] = np.fft.irfft(spectrum, 1024, axis=-1)[:, :taps]
    return found


def _minimum_phase(magnitude: Floats) -> npt.NDArray[np.complex128]:
    cepstrum = np.fft.irfft(np.log(magnitude), 1024, axis=-1)
    cepstrum[..., 1:512] *= 2
    cepstrum[..., 513:] = 0
    return np.asarray(np.exp(np.fft.rfft(cepstrum, axis=-1)))


def directions() -> tuple[Floats, Floats]:
    """Return rings every 30° of elevation from -30°, with 24 directions each, and the zenith."""
    rings = [
        (azimuth, elevation) for elevation in (-30, 0, 30, 60) for azimuth in range(0, 360, 15)
    ]
    azimuths, elevations = np.array([*rings, (0, 90)], float).T
    return azimuths, elevations


def usual() -> Form:
    """Return a file as most databases write it."""
    azimuths, elevations = directions()
    return Form(azimuths, elevations, head(azimuths, elevations))


def write(form: Form, path: Path) -> Path:
    """Write a SOFA file."""
    count, receivers, taps = form.responses.shape
    with netCDF4.Dataset(path, "w", format="NETCDF4") as file:
        fixed = {
            "Conventions": form.conventions,
            "SOFAConventions": form.convention,
            "DataType": form.data_type,
            "RoomType": "free field",
            "License": "CC0",
        }
        texts: dict[str, Any] = {**dict.fromkeys(_ATTRIBUTES, "made up"), **fixed}
        for name, text in {**texts, **form.attributes}.items():
            setattr(file, name, text)
        sizes = {"I": 1, "C": 3, "R": receivers, "E": 1, "N": taps, "M": count}
        for name, size in sizes.items():
            file.createDimension(name, size)

        def variable(name: str, dimensions: str, values: Any, **attributes: str) -> None:
            if name in form.without:
                return
            fill = form.fill if name == "Data.IR" else None
            made = file.createVariable(name, "f8", tuple(dimensions), fill_value=fill)
            for key, text in attributes.items():
                setattr(made, key, text)
            made[:] = values

        cartesian = {"Type": "cartesian", "Units": "metre"}
        ears = np.zeros((receivers, 3, 1))
        ears[:2, 1, 0] = (RADIUS_M, -RADIUS_M)[:receivers]
        variable("ListenerPosition", "IC", [form.position], **cartesian)
        variable("ListenerView", "IC", [form.view], **cartesian)
        variable("ListenerUp", "IC", [[0, 0, 1]])
        variable("ReceiverPosition", "RCI", ears, **cartesian)
        variable("EmitterPosition", "ECI", np.zeros((1, 3, 1)), **cartesian)
        variable("SourcePosition", "MC", _positions(form), Type=form.kind, Units=form.units)
        variable("Data.SamplingRate", "I", form.rate, Units=form.rate_units)
        variable("Data.IR", "MRN", form.responses)
        if form.delays is not None:
            variable("Data.Delay", "IR" if len(form.delays) == 1 else "MR", form.delays)
    return path


def _positions(form: Form) -> Floats:
    azimuths, elevations = np.deg2rad(form.azimuths_deg), np.deg2rad(form.elevations_deg)
    distances = np.full(len(azimuths), DISTANCE_M) if form.distances_m is None else form.distances_m
    if form.kind == "cartesian":
        relative = distances[:, np.newaxis] * np.stack(
            [
                np.cos(elevations) * np.cos(azimuths),
                np.cos(elevations) * np.sin(azimuths),
                np.sin(elevations),
            ],
            axis=1,
        )
        return np.asarray(relative + np.array(form.position))
    if "rad" in form.units:
        return np.stack([azimuths, elevations, distances], axis=1)
    return np.stack([form.azimuths_deg, form.elevations_deg, distances], axis=1)


# ---- forms that are read -------------------------------------------------------------------------


def delays_per_direction() -> Form:
    """Move the arrival times from the responses to the delays."""
    form = usual()
    arrivals = np.abs(form.responses).argmax(axis=2) - 3
    trimmed = np.stack(
        [
            [np.r_[ear[n:], np.zeros(n)] for ear, n in zip(pair, counts, strict=True)]
            for pair, counts in zip(form.responses, arrivals, strict=True)
        ]
    )
    return replace(form, responses=trimmed, delays=arrivals.astype(float))


def swapped_ears() -> Form:
    """Put the right ear first."""
    form = usual()
    return replace(form, responses=form.responses[:, ::-1])


def turned_listener() -> Form:
    """Let the listener look to the left of the room's front, at a place beside the centre."""
    form = usual()
    room = replace(form, azimuths_deg=form.azimuths_deg + 90, kind="cartesian", units="metre")
    return replace(room, view=(0.0, 1.0, 0.0), position=(0.5, -0.2, 0.1))


def at_rate(rate_hz: float, **more: Any) -> Form:
    """Sample the made-up head at another rate."""
    azimuths, elevations = directions()
    taps = max(32, round(128 * rate_hz / 48_000))
    responses = head(azimuths, elevations, rate_hz, taps)
    return Form(azimuths, elevations, responses, **{"rate": rate_hz, **more})


def two_distances() -> Form:
    """Add a near ring that belongs to another distance."""
    form = usual()
    near = form.elevations_deg == 0
    distances = np.r_[np.full(len(near), DISTANCE_M), np.full(near.sum(), 0.25)]
    return replace(
        form,
        azimuths_deg=np.r_[form.azimuths_deg, form.azimuths_deg[near]],
        elevations_deg=np.r_[form.elevations_deg, form.elevations_deg[near]],
        responses=np.concatenate([form.responses, 3 * form.responses[near]]),
        distances_m=distances,
    )


def horizontal_ring() -> Form:
    """Measure on the horizontal plane only."""
    azimuths = np.arange(0, 360, 10.0)
    level = np.zeros_like(azimuths)
    return Form(azimuths, level, head(azimuths, level))


def some_missing(value: float, fill: float | None = None) -> Form:
    """Replace one sample of two directions."""
    form = usual()
    responses = form.responses.copy()
    responses[[3, 41], [0, 1], [5, 6]] = value
    return replace(form, responses=responses, fill=fill)


READ: dict[str, Callable[[], Form]] = {
    "usual": usual,
    "cartesian": lambda: replace(usual(), kind="cartesian", units="metre"),
    "radian": lambda: replace(usual(), units="radian, radian, metre"),
    "degrees-meter": lambda: replace(usual(), units="degrees,degrees,meter"),
    "negative-azimuths": lambda: replace(usual(), azimuths_deg=(directions()[0] + 180) % 360 - 180),
    "delays-per-direction": delays_per_direction,
    "delay-missing": lambda: replace(usual(), delays=None),
    "swapped-ears": swapped_ears,
    "turned-listener": turned_listener,
    "44100": lambda: at_rate(44_100.0),
    "96000": lambda: at_rate(96_000.0),
    "8000": lambda: at_rate(8_000.0),
    "kilohertz": lambda: at_rate(44_100.0, rate=44.1, rate_units="kilohertz"),
    "quiet": lambda: replace(usual(), responses=1e-9 * usual().responses),
    "two-distances": two_distances,
    "horizontal-ring": horizontal_ring,
    "nan": lambda: some_missing(float("nan")),
    "masked": lambda: some_missing(-7.0, fill=-7.0),
    "no-listener": lambda: replace(usual(), without=("ListenerPosition", "ListenerView")),
    "no-receiver-position": lambda: replace(usual(), without=("ReceiverPosition",)),
}
"""Forms of the same head; each must become nearly the same prepared head."""


# ---- forms that are refused ----------------------------------------------------------------------


def _sliced(directions_: int, taps: int = 128) -> Form:
    form = usual()
    few = slice(0, directions_)
    return replace(
        form,
        azimuths_deg=form.azimuths_deg[few],
        elevations_deg=form.elevations_deg[few],
        responses=form.responses[few, :, :taps],
    )


def _receivers(count: int) -> Form:
    form = usual()
    return replace(
        form,
        responses=np.repeat(form.responses, 2, axis=1)[:, :count],
        delays=np.zeros((1, count)),
    )


REFUSED: dict[str, tuple[Callable[[], Form], str]] = {
    "one-ear": (lambda: _receivers(1), "has 1 receivers"),
    "three-ears": (lambda: _receivers(3), "has 3 receivers"),
    "one-direction": (lambda: _sliced(1), "has only 1 directions"),
    "seven-directions": (lambda: _sliced(7), "has only 7 directions"),
    "same-direction": (
        lambda: replace(usual(), azimuths_deg=np.zeros(97), elevations_deg=np.zeros(97)),
        "has only 1 different directions",
    ),
    "one-sample": (lambda: _sliced(97, 1), "responses of only 1 samples"),
    "too-slow": (lambda: at_rate(4_000.0), "a sampling rate of 4000 Hz"),
    "too-fast": (lambda: replace(usual(), rate=384_000.0), "a sampling rate of 384000 Hz"),
    "no-rate": (lambda: replace(usual(), rate=float("nan")), "has no sampling rate"),
    "rate-in-metres": (lambda: replace(usual(), rate_units="metre"), "rate in 'metre'"),
    "angles-in-gon": (lambda: replace(usual(), units="gon, gon, metre"), "angles in 'gon'"),
    "unknown-positions": (lambda: replace(usual(), kind="polar"), "positions of type 'polar'"),
    "elevation-170": (
        lambda: replace(usual(), elevations_deg=np.full(97, 170.0)),
        "has elevations beyond 90°",
    ),
    "position-nan": (
        lambda: replace(usual(), azimuths_deg=np.full(97, np.nan)),
        "positions that are not numbers",
    ),
    "inside-the-head": (
        lambda: replace(usual(), kind="cartesian", units="metre", distances_m=np.zeros(97)),
        "inside the listener's head",
    ),
    "silent": (lambda: replace(usual(), responses=np.zeros((97, 2, 128))), "0 directions"),
    "all-nan": (lambda: replace(usual(), responses=np.full((97, 2, 128), np.nan)), "0 directions"),
    "infinite": (lambda: replace(usual(), responses=np.full((97, 2, 128), np.inf)), "0 directions"),
    "long-delays": (
        lambda: replace(usual(), delays=np.arange(194.0).reshape(97, 2) * 100),
        "delays differ by more than 10 ms",
    ),
    "ears-far-apart": (
        lambda: replace(usual(), delays=np.array([[0.0, 150.0]])),
        "more than 1.8 ms apart",
    ),
    "no-responses": (lambda: replace(usual(), without=("Data.IR",)), "Data.IR is missing"),
    "no-positions": (
        lambda: replace(usual(), without=("SourcePosition",)),
        "SourcePosition is missing",
    ),
    "general-fir": (
        lambda: replace(usual(), convention="GeneralFIR"),
        "holds GeneralFIR (responses of any kind); Entrain reads SimpleFreeFieldHRIR",
    ),
    "brir": (
        lambda: replace(usual(), convention="MultiSpeakerBRIR"),
        "holds MultiSpeakerBRIR (ears in a room with several loudspeakers)",
    ),
    "unknown-convention": (lambda: replace(usual(), convention="Soup"), "holds Soup; Entrain"),
    "transfer-functions": (lambda: replace(usual(), data_type="TF"), "data of type TF"),
    "not-sofa": (lambda: replace(usual(), conventions="CF-1.8"), "but not a SOFA file"),
    "odd-attribute": (
        lambda: replace(usual(), attributes={"SOFAConventions": np.arange(3.0)}),
        "Entrain reads SimpleFreeFieldHRIR",
    ),
}
"""Forms that cannot be used, each with a part of the message."""


def main() -> None:
    """Write all forms into a folder."""
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    for name, make in READ.items():
        write(make(), folder / f"{name}.sofa")
    for name, (make, _) in REFUSED.items():
        write(make(), folder / f"{name}.sofa")


if __name__ == "__main__":
    main()
