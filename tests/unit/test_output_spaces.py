"""The user's space on each output: requests, status, stored state, and the head that it needs."""

import asyncio
import json
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from space_desk import NOISE, SpaceDesk, run

from entrain.errors import EntrainError
from entrain.vdevice.api import messages
from entrain.vdevice.protocol.model import Protocol
from entrain.vdevice.session import output_spaces
from entrain.vdevice.space.settings import SpaceSettings

OWN_SPACE = "X has its own space; your setting is heard with protocols that have none"


def protocol(**fields: object) -> Protocol:
    whole = {"id": "x", "name": "X", "layers": [{"kind": "gain", "params": {"gain_db": 0}}]}
    return Protocol.model_validate(whole | fields, strict=False)


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[SpaceDesk]:
    made = SpaceDesk(tmp_path, monkeypatch)
    yield made
    made.app.engine.close()


def test_the_space_comes_when_its_head_is_there_and_goes_without_a_trace(desk):
    async def play() -> None:
        await desk.ask(messages.Use(protocol="none"))
        untouched = desk.heard()
        assert desk.prepared == []  # without a space, no head is needed

        desk.ready.clear()
        found = await desk.space(mode="speakers")
        assert (found.mode, found.setting, found.hrtf_in_use) == ("speakers", "speakers", "")
        assert found.note == "the HRTF kemar is being prepared"
        np.testing.assert_array_equal(desk.heard(), untouched)  # sound goes on meanwhile

        desk.ready.set()
        await desk.head()
        desk.heard()
        spatial = desk.heard()
        assert np.abs(spatial - untouched).max() > 0.01
        status = await desk.ask(messages.GetStatus())
        assert (status.space.hrtf_in_use, status.space.note) == ("kemar", "")
        assert status.space.yaw_deg == 0

        assert (await desk.space(mode="off")).mode == "off"
        desk.heard()
        np.testing.assert_array_equal(desk.heard(), untouched)

    run(desk, play)


def test_each_output_has_its_setting_also_after_a_restart(desk):
    async def play() -> None:
        await desk.space(mode="speakers", head_cm=60)
        await desk.ask(messages.Set(address="space.width_deg", value=90))
        await desk.app.hub.ask(messages.Set(values={"space.follow": 0.5, "space.room": 0.3}))
        desk.play_on("others")
        assert (await desk.ask(messages.GetStatus())).space.mode == "off"
        await desk.space(mode="scene")
        desk.play_on("phones")
        found = (await desk.ask(messages.GetStatus())).space
        assert (found.mode, found.head_cm) == ("speakers", 60)
        assert found.params == {"head_cm": 60, "width_deg": 90, "follow": 0.5, "room": 0.3}

    run(desk, play)
    desk.app.engine.close()
    desk.app = desk.new_app()

    async def again() -> None:
        await desk.head()
        found = (await desk.ask(messages.GetStatus())).space
        assert found.params == {"head_cm": 60, "width_deg": 90, "follow": 0.5, "room": 0.3}
        number = next(n for layer, n in desk.app.player.running() if layer.id == "space")
        assert desk.app.engine.parameter(number, "width_deg") == 90
        desk.play_on("others")
        assert (await desk.ask(messages.GetStatus())).space.mode == "scene"

    run(desk, again)


def test_values_that_do_not_fit_are_refused_and_none_is_set(desk):
    async def play() -> None:
        await desk.space(mode="speakers")
        for values, error in (
            ({"space.width_deg": 400.0}, r"space: width_deg = 400 is outside 0 … 360 deg"),
            ({"space.depth": 1.0}, "space: depth is not a parameter"),
            ({"space.path": 1.0, "space.path_hz": 1.0}, "space moves by up to 360 degrees per"),
            ({"space.width_deg": 20.0, "absent.x": 1.0}, "there is no layer 'absent'"),
            ({"gain.gain_db": 99.0, "space.width_deg": 20.0}, "there is no layer 'gain'"),
        ):
            with pytest.raises(EntrainError, match=error):
                await desk.app.hub.ask(messages.Set(values=values))
        with pytest.raises(EntrainError, match="space: head_cm = 99 is outside 48 … 66 cm"):
            await desk.space(head_cm=99)
        found = await desk.space(mode="off")
        assert found.params == {}
        with pytest.raises(EntrainError, match="`entrain space speakers` switches it on"):
            await desk.ask(messages.Set(address="space.width_deg", value=20))
        assert (await desk.ask(messages.Set(address="space.head_cm", value=50))).space.head_cm == 50

    run(desk, play)


def test_loudspeakers_have_no_space(desk):
    async def play() -> None:
        await desk.space(mode="speakers")
        desk.play_on("tv", "speakers")
        with pytest.raises(EntrainError, match="the space needs headphones"):
            await desk.space(mode="speakers")
        spatial = {"mode": "scene"}
        found = (await desk.ask(messages.Use(protocol=protocol(spatial=spatial)))).space
        assert found.mode == "off"
        with pytest.raises(EntrainError, match="the space needs headphones"):
            await desk.ask(messages.Set(address="space.width_deg", value=20))
        desk.play_on("phones")
        assert (await desk.ask(messages.GetStatus())).space.mode == "scene"

    run(desk, play)


def test_a_protocol_with_its_own_space_uses_it_with_the_listeners_head(desk):
    async def play() -> None:
        await desk.space(mode="scene", head_cm=62)
        await desk.head()
        spatial = {"mode": "speakers", "params": {"width_deg": 40}}
        found = (await desk.ask(messages.Use(protocol=protocol(spatial=spatial)))).space
        assert (found.mode, found.setting) == ("speakers", "scene")
        assert found.note == OWN_SPACE
        running = {layer.id: (layer, n) for layer, n in desk.app.player.running()}
        assert desk.app.engine.parameter(running["space"][1], "head_cm") == 62
        status = await desk.ask(messages.Set(address="space.width_deg", value=50))
        assert status.space.params["width_deg"] == 50
        assert desk.app.player.protocol.spatial.params == {"width_deg": 50}
        assert desk.app.spaces.settings.params == {"head_cm": 62}

        found = (await desk.ask(messages.Use(protocol=protocol(spatial="off")))).space
        assert (found.mode, found.note) == ("off", OWN_SPACE)
        found = (await desk.ask(messages.Use(protocol=protocol()))).space
        assert (found.mode, found.note) == ("scene", "")

    run(desk, play)


def test_the_space_stays_across_protocols_and_their_end(desk):
    async def play() -> None:
        await desk.space(mode="speakers")
        await desk.head()

        def number() -> int:
            return next(n for layer, n in desk.app.player.running() if layer.id == "space")

        first = number()
        await desk.ask(messages.Use(protocol=protocol(duration_s=1, ramp_out_s=0.5)))
        assert number() == first
        desk.heard()
        desk.heard()
        desk.app.player.tick(0.0)
        assert desk.app.player.ended
        assert number() == first
        assert desk.app.engine.parameter(first, "amount") == 1
        await desk.space(mode="off")
        assert desk.app.player.running() == ()

    run(desk, play)


def test_the_sleep_timer_fades_the_space_too(desk):
    async def play() -> None:
        await desk.space(mode="speakers")
        desk.app.player.sleep(1, 0.0)
        desk.app.player.tick(1.0)
        number = desk.app.player.running()[-1][1]
        assert desk.app.engine.parameter(number, "amount") == 0
        desk.app.player.tick(60.0)
        assert desk.app.player.running() == ()

    run(desk, play)


def test_a_head_is_chosen_for_an_output_and_for_outputs_without_one(desk):
    async def play() -> None:
        await desk.space(mode="speakers")
        await desk.head()
        status = await desk.ask(messages.Settings(hrtf="mine"))
        assert (status.hrtf, status.space.hrtf_in_use) == ("mine", "mine")
        desk.play_on("others")
        await desk.ask(messages.Settings(hrtf="sphere"))
        desk.play_on("phones")
        await desk.head()
        assert (await desk.ask(messages.GetStatus())).space.hrtf_in_use == "mine"
        desk.play_on("third")
        assert (await desk.ask(messages.GetStatus())).hrtf == "sphere"

    run(desk, play)
    kept = json.loads((desk._folder / "state.json").read_text())
    assert kept["hrtf"] == "sphere"
    assert kept["space"]["phones"] == {"mode": "speakers", "hrtf": "mine", "params": {}}


def test_a_head_that_cannot_be_used_leaves_the_former_one(desk):
    async def play() -> None:
        await desk.space(mode="speakers")
        await desk.head()
        with pytest.raises(EntrainError, match=r"broken\.sofa cannot be read"):
            await desk.ask(messages.Settings(hrtf="broken"))
        status = await desk.ask(messages.GetStatus())
        assert (status.hrtf, status.space.hrtf_in_use) == ("kemar", "kemar")

    run(desk, play)


def test_without_the_stored_head_the_built_in_one_stands_in(desk):
    desk.app.spaces.hrtf = "broken"

    async def play() -> None:
        await desk.space(mode="speakers")
        async with asyncio.timeout(10):
            while not desk.app.spaces.head_in_use:
                await asyncio.sleep(0.01)
        status = await desk.ask(messages.GetStatus())
        assert status.space.note == "the HRTF broken cannot be used; kemar stands in"
        assert status.errors == ["HRTF broken: broken.sofa cannot be read"]
        await desk.space(mode="scene")
        assert desk.prepared == ["broken", "kemar"]  # it is not tried again and again

    run(desk, play)


def test_a_turned_head_is_in_the_status(desk):
    async def play() -> None:
        await desk.space(mode="speakers")
        await desk.head()
        half = 0.5**0.5
        await desk.app.hub.ask(messages.TurnHead(w=half, x=0, y=0, z=-half))
        desk.app.engine.process(NOISE[:, :9_600].copy())
        found = (await desk.ask(messages.GetStatus())).space
        assert found.yaw_deg == pytest.approx(90, abs=0.1)

    run(desk, play)


def test_placed_generators_are_counted(desk):
    place = {"azimuth_deg": 90, "path": "orbit"}
    rain = {"kind": "noise", "id": "rain", "place": place}

    async def play() -> None:
        await desk.space(mode="speakers")
        await desk.head()
        status = await desk.ask(messages.Use(protocol=protocol(layers=[rain], standalone=True)))
        assert status.protocol.layers[0].place.azimuth_deg == 90
        desk.heard()
        assert (await desk.ask(messages.GetStatus())).space.sources == 1
        await desk.ask(messages.Set(address="rain.azimuth_deg", value=-90))
        number = next(n for layer, n in desk.app.player.running() if layer.id == "rain")
        assert desk.app.engine.parameter(number, "azimuth_deg") == -90
        with pytest.raises(EntrainError, match="rain moves by up to 360 degrees per second"):
            await desk.ask(messages.Set(address="rain.path_hz", value=1))
        assert (await desk.ask(messages.GetStatus())).protocol.layers[0].place.path_hz == 0.05

    run(desk, play)


def test_a_head_that_comes_too_late_is_not_used_on_another_output(desk):
    """The output changes while a head is prepared; the other output has its head already."""

    async def play() -> None:
        await desk.space(mode="speakers")
        await desk.head()
        desk.play_on("others")
        await desk.space(mode="speakers")
        desk.app.spaces.by_output["mine"] = SpaceSettings(mode="speakers", hrtf="mine")
        desk.ready.clear()
        desk.play_on("mine")
        await asyncio.sleep(0.05)  # the preparation begins
        desk.play_on("others")
        desk.ready.set()
        await desk.settled()
        status = await desk.ask(messages.GetStatus())
        assert (status.space.hrtf_in_use, status.space.note) == ("kemar", "")
        desk.play_on("mine")  # and it is prepared again where it is needed
        await desk.head()
        assert desk.app.spaces.head_in_use == "mine"

    run(desk, play)


def test_a_head_that_the_user_chooses_wins_over_a_stand_in(desk):
    """The user does not wait until the stored head turns out to be broken."""
    desk.app.spaces.hrtf = "broken"

    async def play() -> None:
        desk.ready.clear()
        await desk.space(mode="speakers")
        await asyncio.sleep(0.05)  # the preparation begins
        chosen = asyncio.create_task(desk.ask(messages.Settings(hrtf="mine")))
        await asyncio.sleep(0.05)
        desk.ready.set()
        await chosen
        await desk.settled()
        status = await desk.ask(messages.GetStatus())
        assert (status.hrtf, status.space.hrtf_in_use) == ("mine", "mine")
        assert status.space.note == ""

    run(desk, play)


@pytest.mark.parametrize("mode", ["speakers", "scene"])
def test_values_of_the_listener_that_an_edited_state_has_wrong_are_left_out(desk, mode):
    wrong = {"head_cm": 1e30, "follow": -3.0}
    desk.app.spaces.by_output["phones"] = SpaceSettings(mode="off", params=wrong)

    async def play() -> None:
        own = protocol(spatial={"mode": mode})
        status = await desk.ask(messages.Use(protocol=own))
        assert (status.protocol.id, status.space.mode, status.space.head_cm) == ("x", mode, 57)

    run(desk, play)


def test_a_head_that_the_user_chooses_belongs_to_the_output_of_that_moment(desk):
    async def play() -> None:
        await desk.space(mode="speakers")
        await desk.head()
        desk.app.spaces.by_output["others"] = SpaceSettings(mode="speakers", hrtf="kemar")
        desk.ready.clear()
        chosen = asyncio.create_task(desk.ask(messages.Settings(hrtf="mine")))
        await asyncio.sleep(0.05)
        desk.play_on("others")
        desk.ready.set()
        await chosen
        await desk.head()
        heads = {name: each.hrtf for name, each in desk.app.spaces.by_output.items()}
        assert heads == {"phones": "mine", "others": "kemar"}
        assert desk.app.spaces.head_in_use == "kemar"

    run(desk, play)


async def until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not holds():
            await asyncio.sleep(0.01)


def test_the_engine_keeps_a_head_for_a_while_after_the_space(desk, monkeypatch):
    monkeypatch.setattr(output_spaces, "KEPT_S", 0.2)
    engine = desk.app.engine

    async def play() -> None:
        await desk.space(mode="speakers")
        await desk.head()
        await desk.space(mode="off")
        assert engine.space().has_head
        await desk.space(mode="scene")  # so it is heard at once
        await asyncio.sleep(0.4)
        assert engine.space().has_head
        await desk.space(mode="off")
        await until(lambda: not engine.space().has_head)
        assert (await desk.ask(messages.GetStatus())).space.hrtf_in_use == ""

        await desk.space(mode="speakers")
        await desk.head()
        assert engine.space().has_head

    run(desk, play)


def test_a_space_that_is_switched_off_needs_no_head_any_more(desk):
    async def play() -> None:
        desk.ready.clear()
        await desk.space(mode="speakers")
        await asyncio.sleep(0.05)
        await desk.space(mode="off")
        desk.ready.set()
        await desk.app.heads.prepare("other")  # after the first one, on the same thread
        await asyncio.sleep(0.05)
        assert desk.app.spaces.head_in_use == ""

        await desk.space(mode="speakers")
        await desk.head()

    run(desk, play)


def test_a_new_sample_rate_brings_the_head_again(desk):
    engine = desk.app.engine

    async def play() -> None:
        await desk.space(mode="speakers")
        await desk.head()
        for rate_hz in (44_100, 96_000):
            engine.rate_hz = rate_hz  # as the back end does
            assert desk.app.spaces.note == "the HRTF kemar is being prepared"
            desk.app._device_looked()
            await desk.head()
            assert engine.space().has_head

    run(desk, play)


def test_the_one_that_stands_in_is_brought_again_at_a_new_rate(desk):
    desk.app.spaces.hrtf = "broken"

    async def play() -> None:
        await desk.space(mode="speakers")
        await until(lambda: desk.app.spaces.head_in_use == "kemar")
        desk.app.engine.rate_hz = 44_100
        desk.app._device_looked()
        await until(lambda: desk.app.spaces.head_in_use == "kemar")

    run(desk, play)


def test_placed_sounds_without_a_space_are_explained(desk):
    async def play() -> None:
        await desk.ask(messages.Use(protocol="noise:azimuth_deg=90"))
        found = (await desk.ask(messages.GetStatus())).space
        assert found.note == "placed sounds need a space; `entrain space scene` switches it on"
        assert (await desk.space(mode="scene")).note == "the HRTF kemar is being prepared"

    run(desk, play)
