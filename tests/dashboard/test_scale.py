"""The places of values on a slider, and of labels in a plot; without a browser."""

import pytest
from javascript import run

from entrain.engine import blocks

POSITIONS = """
const { Scale } = await import(page + "scale.js");
const scale = new Scale(given.parameter);
const share = (v) => (scale.position(v) - scale.low) / (scale.high - scale.low);
const back = (s) => scale.value(scale.low + s * (scale.high - scale.low));
answer({ shares: given.values.map(share), values: given.values.map((v) => back(share(v))) });
"""
LABELS = """
const { labelBegin } = await import(page + "graphs/label_place.js");
answer(given.places.map((at) => labelBegin(at, given.width, 5, 40, 240)));
"""


def parameter(kind: str, symbol: str) -> dict[str, object]:
    found = blocks()[kind].parameters[symbol]
    names = ("minimum", "maximum", "step", "scale", "unit")
    return {name: getattr(found, name) for name in names}


def test_a_beat_may_turn_either_way_and_the_rates_of_the_brain_have_most_of_the_slider():
    values = [-200.0, -40.0, -10.0, -0.5, 0.0, 0.5, 10.0, 40.0, 200.0]
    found = run(POSITIONS, parameter=parameter("binaural", "beat_hz"), values=values)

    shares = found["shares"]
    assert (shares[0], shares[4], shares[8]) == pytest.approx((0, 0.5, 1))
    assert shares == sorted(shares)
    assert [1 - share for share in reversed(shares)] == pytest.approx(shares)
    assert shares[7] - shares[1] > 0.65  # from -40 to 40 Hz
    assert found["values"] == pytest.approx(values, rel=0.01, abs=0.01)


@pytest.mark.parametrize(("kind", "symbol"), [("am", "phase_deg"), ("noise", "level_db")])
def test_other_values_lie_evenly(kind, symbol):
    described = parameter(kind, symbol)
    low, high = float(described["minimum"]), float(described["maximum"])
    values = [low, low + (high - low) / 4, high]
    assert run(POSITIONS, parameter=described, values=values)["shares"] == pytest.approx(
        [0, 0.25, 1]
    )


@pytest.mark.parametrize("width", [20, 90, 120, 190])
def test_a_label_never_leaves_the_plot(width):
    """Beside the plot are the ticks of the other axis."""
    for begin in run(LABELS, places=list(range(40, 241, 4)), width=width):
        assert begin >= 40
        assert begin + width <= 240
