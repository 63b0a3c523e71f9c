"""The messages of commands that explain a mistyped protocol, kind or number."""

import pytest
from command_line import entrain

from entrain.engine import blocks
from entrain.vdevice.protocol import library
from entrain.vdevice.protocol.errors import ProtocolError
from entrain.vdevice.protocol.library import Library

pytestmark = pytest.mark.usefixtures("home")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("set", "tone.beat_hz", "fast"), "'fast' is not a number"),
        (("set", "tone.beat_hz", "4", "--over", "-1"), "'-1' is not within 0 … 86,400"),
        (("faster", "1.5"), "'1.5' is not a whole number"),
        (("faster", "0"), "'0' is not within 1 … 20"),
        (("log", "--days", "x"), "'x' is not a whole number"),
        (("verify", "x.wav", "--rate", "inf"), "'inf' is not within 0.5 … 100"),
        (("verify", "x.wav", "--rate", "nan"), "'nan' is not within 0.5 … 100"),
        (("faster", "9" * 400), "9' is not within 1 … 20"),
        (("verify", "x.wav", "--start", "1000001"), "'1000001' is not within 0 … 1,000,000"),
        (("watch", "--interval", "soon"), "'soon' is not a number"),
    ],
)
def test_a_wrong_number_is_named_with_its_limits(arguments, message):
    result = entrain(*arguments)

    assert result.exit_code == 2
    assert message in result.output


def test_the_kind_of_a_layer_is_not_a_protocol_but_can_become_one():
    with pytest.raises(ProtocolError, match=r"no protocol 'am', but a layer.* write am: for"):
        library.resolve("am", (), blocks, Library(None, blocks))
    assert library.resolve("am:", (), blocks).layers[0].kind == "am"


@pytest.mark.parametrize("name", ["Focus 16", "FOCUS 16"])
def test_the_name_of_a_protocol_leads_to_its_id(name):
    with pytest.raises(ProtocolError, match="has the id focus-16"):
        library.resolve(name, (), blocks, Library(None, blocks))
