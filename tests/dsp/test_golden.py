"""Compares the sound of every shipped protocol and every block with a stored reference.

These tests fail on any audible change.  ``make accept NAME=…`` stores the new sound as reference if
the change is intended; then the list of changed files shows the affected protocols and blocks.
"""

import subprocess

import golden
import numpy as np
import pytest
from golden import FOLDER, PIECE_FRAMES, RATE_HZ, SESSION_FRAMES, TOLERANCE_DB, Excerpt, Sound

from entrain.vdevice.protocol import library


@pytest.mark.parametrize("name", golden.names())
def test_it_sounds_as_its_reference(name):
    reference, written = FOLDER / f"{name}.npy", FOLDER / f"{name}.actual"
    written.unlink(missing_ok=True)
    sound, excerpts = golden.golden_sound(name)

    actual = golden.sketch(sound)

    if not reference.exists():
        said = "has no reference"
    else:
        said = golden.difference(actual, np.load(reference), excerpts)
    if said:
        with written.open("wb") as file:
            np.save(file, actual)
        advice = f"To make this sound the reference: make accept NAME={name}"
        pytest.fail(f"{name} {said}.\n{advice}", pytrace=False)


def test_every_reference_has_a_protocol_or_a_block():
    assert {path.stem for path in FOLDER.glob("*.npy")} <= set(golden.names())


@pytest.mark.parametrize("name", ["nonsense", "block-nonsense"])
def test_a_name_without_a_sound_is_not_accepted(name):
    command = [FOLDER.parents[2] / ".ci" / "accept", name]

    done = subprocess.run(command, check=False, stderr=subprocess.PIPE, text=True)

    assert done.returncode == 1
    assert f"there is no sound '{name}'" in done.stderr


# ---- what the comparison notices ---------------------------------------------------------------

FOCUS = "focus-16"


@pytest.fixture(scope="module")
def focus() -> tuple[Sound, list[Excerpt]]:
    return golden.golden_sound(FOCUS)


def compared(sound: Sound, excerpts: list[Excerpt]) -> str | None:
    return golden.difference(golden.sketch(sound), np.load(FOLDER / f"{FOCUS}.npy"), excerpts)


def test_a_parameter_that_is_one_percent_off_is_noticed():
    protocol = library.by_id(FOCUS)
    (layer,) = protocol.layers
    params = layer.params | {"depth": layer.params["depth"] * 1.01}
    changed = protocol.model_copy(update={"layers": (layer.model_copy(update={"params": params}),)})
    excerpts, sounds = zip(*golden.sessions(changed), strict=True)

    said = compared(np.concatenate(sounds, axis=1), list(excerpts))

    assert said is not None
    assert said.startswith("differs by -")
    assert "(left and right)" in said


def test_where_and_how_far_is_said(focus):
    """A soft click, 1 ms into the second excerpt, in the right ear."""
    sound, excerpts = focus
    clicking = sound.copy()
    clicking[1, SESSION_FRAMES + RATE_HZ // 1000] += 10 ** (-60 / 20)

    said = compared(clicking, excerpts)

    in_its_piece_db = -60 - 10 * np.log10(PIECE_FRAMES)
    place = f"{excerpts[1].begin_s:.3f} s of session"
    most = f"most, {in_its_piece_db:.1f} dB, at {place}, right"
    assert said is not None
    assert said.endswith(f"(right), first at {place}; {most}")


@pytest.mark.parametrize(("above_db", "noticed"), [(-6, False), (6, True)])
def test_a_difference_is_as_large_in_the_sketch_as_in_the_sound(focus, above_db, noticed):
    """The sketch holds the power of noise; some pieces exceed it by 10 dB, but not by more."""
    sound, excerpts = focus
    noise = np.random.default_rng(3).normal(0, 1, sound.shape)
    rms = 10 ** ((TOLERANCE_DB - 10 + above_db) / 20)

    said = compared((sound + rms * noise).astype(np.float32), excerpts)

    assert (said is not None) == noticed


def test_another_length_or_number_of_channels_is_noticed(focus):
    sound, excerpts = focus
    assert "2 channels of 1124 pieces" in (compared(sound[:, :-PIECE_FRAMES], excerpts) or "")
    assert "1 channels of 1125 pieces" in (compared(sound[:1], excerpts) or "")


def test_a_sample_that_is_no_number_is_noticed(focus):
    sound, excerpts = focus
    broken = sound.copy()
    broken[0, 5] = np.nan
    assert "inf dB" in (compared(broken, excerpts) or "")


def test_the_input_reaches_the_limiter_and_has_a_pause():
    peak = np.abs(golden.fixed_input()).max(axis=0)
    assert peak.max() > 1.5
    assert (peak.reshape(-1, RATE_HZ // 10).max(axis=1) == 0).sum() == 1
