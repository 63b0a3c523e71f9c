"""SOFA files of every form are read alike, or refused with one clear line."""

import sys

import numpy as np
import pytest
import sofa_files
from hrtf_measures import differences

from entrain.vdevice.hrtf.errors import HrtfError
from entrain.vdevice.hrtf.preparation import plot, sofa
from entrain.vdevice.hrtf.preparation.measured_set import angles_deg, unit_vectors
from entrain.vdevice.hrtf.preparation.sources import aligned
from entrain.vdevice.hrtf.preparation.spectra import Spectra, delayed, minimum_phase


def in_the_horizontal_plane(path) -> Spectra:
    """Read a file, and return what it holds at 12 directions that all forms have."""
    found = aligned(str(path))
    wanted = unit_vectors(np.arange(0, 360, 30.0), np.zeros(12))
    nearest = (wanted @ found.directions.T).argmax(axis=1)
    np.testing.assert_allclose(found.directions[nearest], wanted, atol=1e-5)
    spectra = (minimum_phase(found.magnitudes) * delayed(found.arrivals_s))[nearest]
    return spectra / np.abs(spectra[0, 0, 20])  # the level of a file does not matter


@pytest.fixture(scope="module")
def usual(tmp_path_factory) -> Spectra:
    path = tmp_path_factory.mktemp("sofa") / "usual.sofa"
    return in_the_horizontal_plane(sofa_files.write(sofa_files.usual(), path))


@pytest.mark.parametrize("form", [name for name in sofa_files.READ if name != "usual"])
def test_every_form_of_the_same_head_is_read_alike(form, usual, tmp_path):
    path = sofa_files.write(sofa_files.READ[form](), tmp_path / f"{form}.sofa")

    found = in_the_horizontal_plane(path)

    low_rate = form == "8000"  # all treble is missing
    off = differences(found, usual)
    assert off.itd_us < (25 if low_rate else 2)
    assert off.ild_db < (3 if low_rate else 0.1)
    assert off.lsd_db < (6 if low_rate else 0.4)


@pytest.mark.parametrize("form", sofa_files.REFUSED)
def test_what_cannot_be_used_is_refused_with_one_clear_line(form, tmp_path):
    make, reason = sofa_files.REFUSED[form]
    path = sofa_files.write(make(), tmp_path / f"{form}.sofa")

    with pytest.raises(HrtfError) as refused:
        aligned(str(path))

    assert str(refused.value).startswith(path.name)
    assert reason in str(refused.value)
    assert str(refused.value).isprintable()


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "is not a SOFA file"),
        (b"RIFF....WAVEfmt ", "is not a SOFA file"),
        (b"\x89HDF\r\n\x1a\n", "cannot be read; it may be damaged"),
        (b"\x89HDF\r\n\x1a\n" + bytes(5000), "cannot be read; it may be damaged"),
    ],
)
def test_other_files_are_refused(content, reason, tmp_path):
    path = tmp_path / "odd #1?mode=bytes.sofa"
    path.write_bytes(content)
    with pytest.raises(HrtfError, match=reason):
        sofa.read(path)


def test_a_truncated_file_is_refused(tmp_path):
    path = sofa_files.write(sofa_files.usual(), tmp_path / "cut.sofa")
    path.write_bytes(path.read_bytes()[: path.stat().st_size * 2 // 3])
    with pytest.raises(HrtfError, match=r"^cut\.sofa cannot be read; it may be damaged"):
        sofa.read(path)


def test_a_file_name_may_hold_any_character(tmp_path):
    path = sofa_files.write(sofa_files.usual(), tmp_path / "plain.sofa")
    odd = path.rename(tmp_path / "mine #2 [mode=zarr] ü%20.sofa")
    assert len(sofa.read(odd).directions) == 97


def test_a_huge_file_is_refused_without_reading_it(tmp_path):
    path = tmp_path / "huge.sofa"
    with path.open("wb") as file:
        file.truncate(4 << 30)
    with pytest.raises(HrtfError, match=r"has 4096 MB; Entrain reads SOFA files up to 256 MB"):
        sofa.read(path)


def test_folders_pipes_and_missing_files_are_refused(tmp_path):
    import os

    os.mkfifo(tmp_path / "pipe")
    for name, reason in ((".", "is not a file"), ("pipe", "is not a file"), ("none", "No such")):
        with pytest.raises(HrtfError, match=reason):
            sofa.read(tmp_path / name)


def test_directions_with_missing_values_are_left_out_and_noted(tmp_path):
    for form in ("nan", "masked"):
        path = sofa_files.write(sofa_files.READ[form](), tmp_path / f"{form}.sofa")
        found = sofa.read(path)
        assert len(found.directions) == 95
        assert found.notes == ("2 directions have missing or silent responses and are left out",)


def test_the_ears_are_told_apart_by_their_sound(tmp_path):
    """Databases disagree about the order in which the receivers' positions stand."""
    path = sofa_files.write(sofa_files.swapped_ears(), tmp_path / "swapped.sofa")
    assert "the first receiver is the right ear" in aligned(str(path)).notes


def test_a_set_with_very_many_directions_is_thinned_out_evenly(tmp_path):
    rng = np.random.default_rng(2)
    elevations = np.rad2deg(np.arcsin(rng.uniform(-0.9, 1, 12_000)))
    azimuths = rng.uniform(0, 360, 12_000)
    form = sofa_files.Form(azimuths, elevations, np.ones((12_000, 2, 16)))
    found = sofa.read(sofa_files.write(form, tmp_path / "dense.sofa"))

    assert 2000 < len(found.directions) <= sofa.MAX_DIRECTIONS
    assert "12000 directions are used" in found.notes[0]
    left = angles_deg(found.directions)[0] < 180
    assert left.mean() == pytest.approx(0.5, abs=0.05)


def test_texts_in_latin_1_are_read_whole(tmp_path):
    form = sofa_files.usual()
    form.attributes = {"Organization": "Fachhochschule Köln"}
    path = sofa_files.write(form, tmp_path / "a.sofa")
    content = path.read_bytes()
    utf8, latin1 = (form.attributes["Organization"].encode(name) for name in ("utf-8", "latin-1"))
    assert content.count(utf8) == 1
    path.write_bytes(content.replace(utf8, latin1 + b" "))  # of the same length

    assert sofa.read(path).facts["Organization"] == "Fachhochschule Köln"


def test_without_matplotlib_a_picture_says_how_to_install_it(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    path = sofa_files.write(sofa_files.usual(), tmp_path / "a.sofa")
    with pytest.raises(HrtfError, match=f"{sys.executable} -m pip install matplotlib"):
        plot.draw(aligned(str(path)), tmp_path / "a.png")
