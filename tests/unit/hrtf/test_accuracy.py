"""How well prepared heads follow what was measured, on dummies and on people.

The reference is the measurement with the same correction of its colour as the head.  A function of
its own transforms the measurement here, so that an error of the preparation shows.
"""

from dataclasses import dataclass, replace

import hrtf_measures
import measured_heads
import numpy as np
import pytest
from hrtf_measures import Floats, Spectra, differences

from entrain.vdevice.hrtf.preparation import ambisonics, sofa
from entrain.vdevice.hrtf.preparation.alignment import AlignedSet, align
from entrain.vdevice.hrtf.preparation.kemar import kemar
from entrain.vdevice.hrtf.preparation.loudness import pink_weights
from entrain.vdevice.hrtf.preparation.measured_set import MeasuredSet, angles_deg
from entrain.vdevice.hrtf.preparation.prepare import Options, PreparedHead, at, prepare


@dataclass(frozen=True)
class Subject:
    """A measured head and what was made of it."""

    name: str
    measured: Spectra
    aligned: AlignedSet
    head: PreparedHead

    @property
    def directions(self) -> tuple[Floats, Floats]:
        return angles_deg(self.aligned.directions)


def transformed(measured: MeasuredSet) -> Spectra:
    """Return the spectra of a measurement at 48 kHz, by the definition of the transform."""
    frequencies_hz = hrtf_measures.FREQUENCIES_HZ
    first = measured.delays_frames.min()
    late = (measured.delays_frames - first)[..., np.newaxis]
    taps = np.arange(measured.responses.shape[-1])
    turns = np.exp(-2j * np.pi * np.outer(taps, frequencies_hz / measured.rate_hz))
    turns[:, frequencies_hz > measured.rate_hz / 2] = 0
    delays = np.exp(-2j * np.pi * late * frequencies_hz / measured.rate_hz)
    return np.asarray((measured.responses @ turns) * delays)


@pytest.fixture(scope="module", params=measured_heads.SETS)
def subject(request: pytest.FixtureRequest) -> Subject:
    path = measured_heads.sofa_path(request.param)
    measured = sofa.read(path)
    aligned = align(measured)
    assert not aligned.notes
    return Subject(request.param, transformed(measured), aligned, prepare(aligned))


def test_the_grid_follows_the_measured_directions(subject):
    found = differences(
        at(subject.head, *subject.directions), subject.measured * subject.head.equaliser
    )
    print(f"\n{subject.name} 256 taps: {found}")
    assert found.itd_us <= 2.5
    assert found.itd_p95_us <= 8
    assert found.ild_db <= 0.2
    assert found.lsd_db <= 0.5


def test_128_taps_are_nearly_as_good(subject):
    head = prepare(subject.aligned, Options(taps=128))
    found = differences(at(head, *subject.directions), subject.measured * head.equaliser)
    print(f"\n{subject.name} 128 taps: {found}")
    assert found.itd_us <= 2.5
    assert found.ild_db <= 0.2
    assert found.lsd_db <= 0.8


def test_directions_that_were_left_out_are_found_between_the_others(subject):
    kept = kept_15_degrees_apart(subject.aligned.directions)
    azimuths, elevations = subject.directions
    rest = np.setdiff1d(np.arange(len(azimuths)), kept)
    rest = rest[elevations[rest] >= elevations[kept].min()]
    head = prepare(part_of(subject.aligned, kept))

    found = differences(
        at(head, azimuths[rest], elevations[rest]), subject.measured[rest] * head.equaliser
    )

    print(f"\n{subject.name} held out ({len(kept)} kept, {len(rest)} tested): {found}")
    assert found.itd_us <= 12
    assert found.ild_db <= 0.7
    assert found.lsd_db <= 1.4


def kept_15_degrees_apart(directions: Floats) -> list[int]:
    """Choose directions that are at least 11° apart: about every 15°."""
    kept: list[int] = []
    limit = np.cos(np.deg2rad(15 * 0.75))
    for number in np.random.default_rng(1).permutation(len(directions)):
        if not kept or (directions[kept] @ directions[number]).max() < limit:
            kept.append(int(number))
    return kept


def part_of(aligned: AlignedSet, kept: list[int]) -> AlignedSet:
    """Leave out all other directions."""
    return replace(
        aligned,
        directions=aligned.directions[kept],
        magnitudes=aligned.magnitudes[kept],
        arrivals_s=aligned.arrivals_s[kept],
    )


def test_the_decoder_of_order_3_follows_the_measured_directions(subject):
    basis = ambisonics.harmonics(3, subject.aligned.directions)
    decoded = np.einsum("dc,ecf->def", basis, np.fft.rfft(subject.head.decoder, 1024, axis=-1))
    found = differences(decoded, subject.measured * subject.head.equaliser)
    print(f"\n{subject.name} MagLS order 3: {found}")
    assert found.itd_us <= 20
    assert found.ild_db <= 1.3
    assert found.lsd_db <= 2.2


def loudness_of_pairs(
    head: PreparedHead, narrowest_deg: int, widest_deg: int
) -> tuple[Floats, Floats, Floats]:
    """Return the loudness of pink noise on pairs of speakers, relative to headphones alone.

    Returns
    -------
    stereo_lu, mono_lu : arrays
        Over both ears, after BS.1770; stereo: the channels are independent.
    widths : array
        In degrees.

    """
    weights = pink_weights()
    widths = np.arange(narrowest_deg, widest_deg + 1.0)
    level = np.zeros_like(widths)
    left, right = at(head, widths / 2, level), at(head, -widths / 2, level)
    gain_db = np.interp(widths, np.linspace(0, 360, head.gain_db.shape[1]), head.gain_db[0])
    stereo = ((np.abs(left) ** 2 + np.abs(right) ** 2) @ weights).sum(axis=1) / 2
    mono = (np.abs(left + right) ** 2 @ weights).sum(axis=1) / 2
    return 10 * np.log10(stereo) + gain_db, 10 * np.log10(mono) + gain_db, widths


def test_pink_noise_gets_no_louder_at_any_width(subject):
    stereo_lu, mono_lu, _ = loudness_of_pairs(subject.head, 30, 220)
    print(
        f"\n{subject.name} loudness: stereo {stereo_lu.min():+.2f} … {stereo_lu.max():+.2f} LU, "
        f"mono {mono_lu.min():+.2f} … {mono_lu.max():+.2f} LU"
    )
    louder = np.maximum(stereo_lu, mono_lu)
    assert louder.max() <= 0.5
    assert louder.min() >= -0.5
    assert min(stereo_lu.min(), mono_lu.min()) > -2.5


def test_no_delay_is_longer_than_the_way_around_a_head(subject):
    delays = subject.head.delays_s
    assert delays.min() >= 0
    assert delays.max() < 0.0009
    assert delays.min(axis=2).max() == 0  # one ear always hears at once


def test_the_built_in_head_is_the_measured_one():
    measured = sofa.read(measured_heads.sofa_path("KEMAR"))
    built_in = kemar()
    head = prepare(built_in)
    reference = transformed(measured) * head.equaliser
    reference *= np.linalg.norm(built_in.magnitudes) / np.linalg.norm(align(measured).magnitudes)

    found = differences(at(head, *angles_deg(measured.directions)), reference)

    print(f"\nbuilt-in KEMAR: {found}")
    assert found.itd_us <= 2.5
    assert found.ild_db <= 0.2
    assert found.lsd_db <= 0.8
