"""Every shipped protocol sounds as it did: its golden sound is that of the stored reference.

A change that is not meant to be heard must not be; one that is meant to be is taken over with
``make accept NAME=…``, and so shows in the list of changed files which protocols it has reached.
"""

import numpy as np
import pytest
from golden import (
    BLOCK_FRAMES,
    EXCERPT_S,
    FOLDER,
    RATE_HZ,
    TOLERANCE_DB,
    difference,
    excerpts,
    fixed_input,
    golden_sound,
    sketch,
)

from entrain.vdevice.protocol import library
from entrain.vdevice.protocol.model import Protocol


@pytest.mark.parametrize("name", library.ids())
def test_a_protocol_sounds_as_its_reference(name):
    protocol = library.by_id(name)
    reference, written = FOLDER / f"{name}.npy", FOLDER / f"{name}.actual"
    written.unlink(missing_ok=True)

    actual = sketch(golden_sound(protocol))

    if not reference.exists():
        said = "has no reference"
    else:
        said = difference(actual, np.load(reference), excerpts(protocol))
    if said:
        with written.open("wb") as file:
            np.save(file, actual)
        pytest.fail(f"{name} {said}.\nIf that is meant: make accept NAME={name}", pytrace=False)


def test_every_reference_belongs_to_a_protocol():
    assert {path.stem for path in FOLDER.glob("*.npy")} <= set(library.ids())


# ---- what the comparison notices ---------------------------------------------------------------

FOCUS = "focus-16"


def compared(sound: np.ndarray, protocol: Protocol) -> str | None:
    return difference(sketch(sound), np.load(FOLDER / f"{protocol.id}.npy"), excerpts(protocol))


@pytest.fixture(scope="module")
def focus() -> tuple[Protocol, np.ndarray]:
    protocol = library.by_id(FOCUS)
    return protocol, golden_sound(protocol)


def test_a_parameter_that_is_one_percent_off_is_noticed(focus):
    (layer,) = focus[0].layers
    params = layer.params | {"depth": layer.params["depth"] * 1.01}
    changed = focus[0].model_copy(update={"layers": (layer.model_copy(update={"params": params}),)})

    said = compared(golden_sound(changed), focus[0])

    assert said is not None
    assert said.startswith("differs by -")
    assert "(left and right)" in said


def test_where_and_how_far_is_said(focus):
    """A soft click, 1 ms into the second excerpt, in the right ear."""
    protocol, sound = focus
    clicking = sound.copy()
    frame = round((EXCERPT_S + 0.001) * RATE_HZ)
    clicking[1, frame] += 10 ** (-60 / 20)

    said = compared(clicking, protocol)

    begin_s = excerpts(protocol)[1].begin_s
    in_its_block_db = -60 - 10 * np.log10(BLOCK_FRAMES)
    place = f"{begin_s:.3f} s of the session"
    assert said is not None
    assert said.endswith(
        f"(right), first at {place}; most, {in_its_block_db:.1f} dB, at {place}, right"
    )


@pytest.mark.parametrize(("above_db", "noticed"), [(-6, False), (6, True)])
def test_a_difference_is_as_large_in_the_sketch_as_in_the_sound(focus, above_db, noticed):
    """Of noise the sketch tells the power; some of its blocks are 10 dB above that, not more."""
    protocol, sound = focus
    noise = np.random.default_rng(3).normal(0, 1, sound.shape)
    rms = 10 ** ((TOLERANCE_DB - 10 + above_db) / 20)

    said = compared((sound + rms * noise).astype(np.float32), protocol)

    assert (said is not None) == noticed


def test_another_length_or_number_of_channels_is_noticed(focus):
    protocol, sound = focus
    assert "2 channels of 1124 blocks" in (compared(sound[:, :-BLOCK_FRAMES], protocol) or "")
    assert "1 channels of 1125 blocks" in (compared(sound[:1], protocol) or "")


def test_a_sample_that_is_no_number_is_noticed(focus):
    protocol, sound = focus
    broken = sound.copy()
    broken[0, 5] = np.nan
    assert "inf dB" in (compared(broken, protocol) or "")


def test_the_input_reaches_the_limiter_and_has_a_pause():
    peak = np.abs(fixed_input()).max(axis=0)
    assert peak.max() > 1.5
    assert (peak.reshape(-1, RATE_HZ // 10).max(axis=1) == 0).sum() == 1
