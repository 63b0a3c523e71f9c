"""`gain` makes the programme softer; mixed by its amount, in straight lines of amplitude."""

import numpy as np
import pytest
from measure import pink_noise

from entrain.engine import blocks
from entrain.faust import Runner
from entrain.vdevice.protocol.importers.sbagen.reader import read_sbg


@pytest.mark.parametrize("gain_db", [-90, -20, -6, -0.5])
def test_it_is_as_much_softer_as_it_says(gain_db):
    noise = pink_noise(0.2)
    out = Runner("gain", gain_db=gain_db).process(noise)
    np.testing.assert_allclose(out, noise * 10 ** (gain_db / 20), rtol=1e-6, atol=1e-9)


def test_at_0_db_it_is_the_input_bit_for_bit():
    noise = pink_noise(0.2)
    np.testing.assert_array_equal(Runner("gain", gain_db=0).process(noise), noise)


def test_an_imported_slide_of_the_mix_is_a_straight_line(render):
    """From nothing to 100 % in 8 s: the amplitude of a sine, period by period."""
    text = b"-SE\nx: mix/0\ny: mix/100\n0:00:00 x ->\n0:00:08 y ->\n0:00:10 y\n"
    protocol = read_sbg(text, "x.sbg", "X", blocks()).protocol
    time_s = np.arange(9 * 48_000) / 48_000
    sine = 0.2 * np.sin(2 * np.pi * 1_000 * time_s)
    heard = render(protocol, np.stack([sine, sine], axis=1))[:, 0]
    periods = np.sqrt(2 * np.square(heard).reshape(-1, 48).mean(axis=1)) / 0.2
    middle_s = (np.arange(len(periods)) + 0.5) / 1_000
    inside = (middle_s > 0.5) & (middle_s < 7.9)
    np.testing.assert_allclose(periods[inside], middle_s[inside] / 8, atol=1e-3)
    assert periods[middle_s > 8.1] == pytest.approx(1, abs=1e-3)
