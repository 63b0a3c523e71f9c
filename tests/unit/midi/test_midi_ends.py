"""The ends of a control's way are checked before it is learned or mapped."""

import asyncio

import pytest
from osc_desk import new_app
from unit.test_app_requests import asked

from entrain.errors import EntrainError
from entrain.vdevice.api import messages
from entrain.vdevice.remote.midi_settings import MidiMapping

BOX = {"device": "Knobs", "kind": "cc", "channel": 1, "number": 7}
OUTSIDE = "^tone.beat_hz goes from -200 to 200 Hz, so no control of it can have an end at 1200$"
SAME = "^both ends of the control of tone.beat_hz would be 12; choose two different values$"


@pytest.fixture
def ask(tmp_path):
    """Ask an Entrain with a layer `tone` whose MIDI is on."""
    app = new_app(tmp_path)

    def ask(request):
        async def work():
            await asked(app, messages.Use(protocol="tone=binaural:beat_hz=10"))
            await asked(app, messages.Midi(on=True))
            try:
                return await asked(app, request)
            finally:
                await asked(app, messages.MidiLearn(target=None))

        return asyncio.run(work())

    yield ask
    app.saver.close()
    app.protocols.close()
    app.heads.close()
    app.engine.close()


def requests(target, low, high):
    mapping = MidiMapping.model_validate({**BOX, "target": target, "low": low, "high": high})
    return (
        messages.MidiLearn(target=target, low=low, high=high),
        messages.MidiMap(mappings=(mapping,)),
    )


@pytest.mark.parametrize(("low", "high", "why"), [(4, 1200, OUTSIDE), (12, 12, SAME)])
@pytest.mark.parametrize("way", [0, 1], ids=["learn", "map"])
def test_ends_that_a_parameter_cannot_have_are_refused(ask, way, low, high, why):
    with pytest.raises(EntrainError, match=why):
        ask(requests("tone.beat_hz", low, high)[way])


def test_one_end_that_is_the_other_ones_default_is_refused(ask):
    with pytest.raises(EntrainError, match=r"both ends .* would be 40;"):
        ask(messages.MidiLearn(target="tone.beat_hz", low=40))


@pytest.mark.parametrize("way", [0, 1], ids=["learn", "map"])
@pytest.mark.parametrize(
    ("target", "low", "high"),
    [
        ("tone.beat_hz", 12, 4),
        ("tone.beat_hz", -200, 200),
        ("tone.beat_hz", None, None),
        ("limiter.ceiling_db", None, -3),
        ("bypass", None, None),
    ],
)
def test_ends_within_the_range_are_taken(ask, way, target, low, high):
    ask(requests(target, low, high)[way])


def test_a_layer_of_another_protocol_may_be_mapped_but_not_with_equal_ends(ask):
    ask(requests("rain.level_db", -900, 900)[1])
    with pytest.raises(EntrainError, match=r"of rain.level_db would be 1;"):
        ask(requests("rain.level_db", 1, 1)[1])
