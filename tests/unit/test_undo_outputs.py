"""Undo and the stored state: outputs with their own protocols, and files of protocols."""

import json

import pytest
from played_protocol import MONAURAL, TONE, protocol

from entrain.errors import EntrainError
from entrain.vdevice.api import messages
from entrain.vdevice.session.history import JOIN_S


def test_an_undone_protocol_is_what_the_next_start_plays(undo_desk, tmp_path):
    async def script() -> None:
        await undo_desk.use("focus-16")
        await undo_desk.set(music__depth=0.25)
        await undo_desk.undo()
        await undo_desk.undo()

    undo_desk.play(script)

    stored = json.loads((tmp_path / "state.json").read_text())
    assert stored["protocol"] == "default"


def test_after_its_file_has_changed_a_protocol_comes_back_as_it_was_heard(undo_desk):
    async def script() -> None:
        undo_desk.protocols.mkdir()
        file = undo_desk.protocols / "mine.json"
        mine = protocol(id="mine", name="Mine")
        file.write_text(mine.model_dump_json())
        await undo_desk.use("mine")
        await undo_desk.set(tone__beat_hz=5)
        edited = protocol({**TONE, "params": {**TONE["params"], "beat_hz": 33}}, id="mine")
        file.write_text(edited.model_dump_json())
        await undo_desk.reload()

        await undo_desk.undo()
        assert undo_desk.app.player.protocol == mine
        await undo_desk.reload()
        assert undo_desk.app.player.protocol == mine
        assert undo_desk.app.protocols.everywhere == mine  # not the file's name

        file.unlink()
        await undo_desk.redo()
        await undo_desk.reload()
        await undo_desk.undo()
        assert undo_desk.app.protocols.everywhere == mine

    undo_desk.play(script)


def test_a_protocol_for_one_output_is_undone(undo_desk):
    async def script() -> None:
        await undo_desk.use("focus-16", here=True)
        assert undo_desk.app.protocols.remembered == {"dac": "focus-16"}
        await undo_desk.undo()
        assert undo_desk.app.protocols.remembered == {}
        assert undo_desk.app.protocols.everywhere == "default"
        await undo_desk.redo()
        assert undo_desk.app.protocols.remembered == {"dac": "focus-16"}
        assert undo_desk.app.protocols.everywhere == "default"
        undo_desk.now_s += 2 * JOIN_S
        await undo_desk.use("calm-10", here=False)
        assert undo_desk.app.protocols.everywhere == "calm-10"
        await undo_desk.undo()
        assert undo_desk.app.protocols.remembered == {"dac": "focus-16"}
        assert undo_desk.app.protocols.everywhere == "default"

    undo_desk.play(script)


def test_no_protocol_of_one_output_comes_back_on_another(undo_desk):
    async def script() -> None:
        await undo_desk.use("focus-16", here=True)
        await undo_desk.set(music__depth=0.3)
        undo_desk.play_on("speakers")
        assert undo_desk.app.player.protocol.id == "default"
        with pytest.raises(EntrainError, match="nothing to undo"):
            await undo_desk.undo()
        await undo_desk.set(tone__beat_hz=5)
        undo_desk.play_on("dac")
        with pytest.raises(EntrainError, match="nothing to undo"):
            await undo_desk.undo()
        assert undo_desk.params["depth"] == 0.3

    undo_desk.play(script)


def test_on_another_output_with_the_same_protocol_the_steps_stay_but_for_the_space(undo_desk):
    async def script() -> None:
        await undo_desk.set(tone__beat_hz=5)
        await undo_desk.ask(messages.Settings(space=messages.SpaceWishes(mode="speakers")))
        await undo_desk.set(tone__level_db=-20, space__width_deg=80)
        undo_desk.play_on("other")

        await undo_desk.undo()
        assert undo_desk.params["level_db"] == -15
        assert undo_desk.app.spaces.settings.params == {}
        await undo_desk.undo()
        assert undo_desk.params["beat_hz"] == 10
        assert undo_desk.app.spaces.settings.mode == "off"
        assert not undo_desk.app.status().can_undo
        assert undo_desk.app.spaces.by_output["dac"].mode == "speakers"

    undo_desk.play(script)


def test_on_loudspeakers_the_values_of_the_alternative_are_undone(undo_desk):
    async def script() -> None:
        whole = protocol(requires_headphones=True, without_headphones=(MONAURAL,))
        await undo_desk.use(whole)
        await undo_desk.set(tone__beat_hz=5)
        undo_desk.app.player.listen_on("speakers")
        await undo_desk.set(tone__beat_hz=6)

        status = await undo_desk.undo()
        assert status.redo_text == "Beat of tone: 5 Hz → 6 Hz"
        assert [each.kind for each in status.protocol.layers] == ["monaural"]
        assert undo_desk.params["beat_hz"] == 5
        await undo_desk.undo()
        assert undo_desk.app.player.protocol == whole

    undo_desk.play(script)


def a_file(undo_desk, name="mine", **fields):
    """Write a protocol of the user's own, and return it."""
    undo_desk.protocols.mkdir(exist_ok=True)
    made = protocol(id=name, name=name.title(), **fields)
    (undo_desk.protocols / f"{name}.json").write_text(made.model_dump_json())
    return made


@pytest.mark.parametrize("name", ["mine", "focus-16"])
def test_a_deleted_protocol_comes_back_as_it_was_heard_without_its_id(undo_desk, name):
    """Its id means nothing any more, or the shipped protocol that the file has hidden."""

    async def script() -> None:
        mine = a_file(undo_desk, name)
        await undo_desk.use(name)
        await undo_desk.use("calm-10", here=True)
        await undo_desk.ask(messages.Use(protocol="smr-14", here=False))
        await undo_desk.ask(messages.Delete(id=name))

        await undo_desk.undo()
        assert undo_desk.app.protocols.everywhere == mine  # of the other outputs
        await undo_desk.undo()
        assert undo_desk.app.player.protocol == mine
        assert undo_desk.app.protocols.everywhere == mine
        await undo_desk.reload()
        assert undo_desk.app.protocols.everywhere == mine

    undo_desk.play(script)


def test_a_renamed_protocol_comes_back_under_its_new_name(undo_desk):
    async def script() -> None:
        a_file(undo_desk)
        await undo_desk.use("mine")
        await undo_desk.set(tone__beat_hz=5)
        await undo_desk.use("calm-10", here=True)
        await undo_desk.ask(messages.Use(protocol="default", here=False))
        await undo_desk.ask(messages.Rename(id="mine", name="Late"))

        await undo_desk.undo()
        assert undo_desk.app.protocols.everywhere.id == "late"
        status = await undo_desk.undo()
        assert (status.protocol.id, status.protocol.name) == ("late", "Late")
        assert undo_desk.params["beat_hz"] == 5
        await undo_desk.undo()
        assert undo_desk.app.protocols.everywhere == "late"
        await undo_desk.reload()
        assert undo_desk.app.protocols.everywhere == "late"

    undo_desk.play(script)


def test_what_was_saved_over_a_protocol_does_not_take_its_undo_back(undo_desk):
    async def script() -> None:
        mine = a_file(undo_desk)
        await undo_desk.use("mine")
        await undo_desk.set(tone__beat_hz=5)
        await undo_desk.ask(messages.Save(name="Mine"))

        await undo_desk.undo()
        assert undo_desk.app.protocols.everywhere == mine  # not the file's name
        await undo_desk.reload()
        assert undo_desk.app.player.protocol == mine

    undo_desk.play(script)


def test_the_other_outputs_get_their_protocol_back_as_its_file_now_is(undo_desk):
    async def script() -> None:
        a_file(undo_desk)
        await undo_desk.use("mine")
        await undo_desk.use("calm-10", here=True)
        await undo_desk.use("default", here=False)
        edited = {**TONE, "params": {**TONE["params"], "beat_hz": 33}}
        undo_desk.protocols.joinpath("mine.json").write_text(
            protocol(edited, id="mine", name="Mine").model_dump_json()
        )
        await undo_desk.reload()

        await undo_desk.undo()
        undo_desk.play_on("speakers")
        assert undo_desk.app.protocols.everywhere == "mine"
        assert undo_desk.params["beat_hz"] == 33

    undo_desk.play(script)


@pytest.mark.parametrize("request_", ["save", "rename"])
def test_a_name_that_was_given_while_a_slider_moved_is_not_undone_with_it(undo_desk, request_):
    async def script() -> None:
        a_file(undo_desk)
        await undo_desk.use("mine")
        await undo_desk.set(limiter__ceiling_db=-3)
        asked = {
            "save": messages.Save(name="Late"),
            "rename": messages.Rename(id="mine", name="Late"),
        }
        await undo_desk.ask(asked[request_])
        await undo_desk.move(limiter__ceiling_db=-6)

        status = await undo_desk.undo()
        assert status.protocol.id == "late"

    undo_desk.play(script)
