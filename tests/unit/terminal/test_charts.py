"""Charts of block characters."""

import pytest

from entrain.tray.terminal import charts


@pytest.mark.parametrize(
    ("rms", "peak", "drawn"),
    [
        (0.0, 0.0, "        "),
        (0.5, 0.5, "████    "),
        (0.5, 0.8, "████  ▏ "),
        (0.53125, 0.0, "████▎   "),
        (1.0, 1.0, "████████"),
        (7.0, 9.0, "████████"),
        (-1.0, -1.0, "        "),
        (0.0, 1.0, "       ▏"),
    ],
)
def test_a_meter_has_a_bar_of_eighths_and_a_peak(rms, peak, drawn):
    assert charts.meter(rms, peak, 8) == drawn


def test_a_meter_keeps_its_width():
    for step in range(101):
        for width in (1, 4, 33):
            assert len(charts.meter(step / 100, (step * 37 % 101) / 100, width)) == width


def test_columns_stand_on_each_other():
    assert charts.columns([0.0, 0.25, 0.5, 0.75, 1.0, 2.0, -1.0], 2) == ["   ▄██ ", " ▄████ "]
    assert charts.columns([1 / 8], 1) == ["▁"]
    assert charts.columns([], 2) == ["", ""]


def test_the_axis_names_frequencies_at_their_places():
    text = charts.axis(30.0, 16_000.0, 70)
    assert text.index("500") == int(70 * 0.4480)  # ln(500/30) / ln(16000/30)
    assert text.split() == ["50", "100", "200", "500", "1k", "2k", "5k", "10k", "Hz"]
    assert charts.axis(30.0, 16_000.0, 1) == ""
