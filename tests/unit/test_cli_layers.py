"""The command that describes blocks."""

import json
import re

import pytest
from command_line import entrain

from entrain.engine import blocks

pytestmark = pytest.mark.usefixtures("home")


def test_layers_lists_every_kind_with_what_it_does():
    shown = entrain("layers").stdout
    for kind, block in blocks().items():
        assert re.search(rf"^{kind} +{block.group} +{re.escape(block.description)}$", shown, re.M)


def test_layers_tells_what_can_be_set():
    shown = entrain("layers", "am").stdout
    assert re.search(r"^rate_hz +Rate +0.05 … 100 +16 +Hz$", shown, re.M)
    assert re.search(r"^waveform +Waveform +0 sine, 1 triangle, 2 square +0$", shown, re.M)
    assert json.loads(entrain("layers", "am", "--json").stdout)["am"]["parameters"]["depth"] == {
        "symbol": "depth",
        "name": "Depth",
        "unit": "1",
        "minimum": 0,
        "maximum": 1,
        "initial": 0.5,
        "step": 0.001,
        "choices": [],
        "scale": "lin",
        "period": 0.0,
        "controller": 102,
        "knob": None,
    }


def test_an_unknown_kind_is_one_line_with_those_there_are():
    result = entrain("layers", "xyz")
    assert result.exit_code == 1
    assert result.stderr.startswith("entrain: there is no kind 'xyz'; the kinds are am, ")
    assert "; did you mean 'binaural'" in entrain("layers", "binural").stderr


@pytest.mark.parametrize("arguments", [("seek",), ("pause", "3"), ("seek", "soon"), ("seek", "-1")])
def test_what_is_no_position_is_wrong_usage(arguments):
    assert entrain("session", *arguments).exit_code == 2
