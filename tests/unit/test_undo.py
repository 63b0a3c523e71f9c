"""Undo and redo: the sound, the status and the stored state go back and forth."""

import json
import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import clicks
import numpy as np
import pytest
from played_protocol import MONAURAL, TONE, protocol
from undo_desk import UndoDesk

from entrain.errors import EngineError, EntrainError
from entrain.vdevice.api import messages
from entrain.vdevice.protocol.errors import ProtocolError
from entrain.vdevice.session.history import JOIN_S, STEPS


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[UndoDesk]:
    made = UndoDesk(tmp_path, monkeypatch)
    yield made
    made.app.engine.close()


def test_a_value_goes_back_and_forth_and_the_status_says_which(desk):
    async def script() -> None:
        before = desk.app.status()
        assert (before.can_undo, before.undo_text, before.can_redo) == (False, "", False)
        await desk.set(tone__beat_hz=6.5)
        assert desk.app.status().undo_text == "Beat of tone: 10 Hz → 6.5 Hz"

        status = await desk.undo()

        assert status.protocol.layers[0].params["beat_hz"] == 10
        assert (status.can_undo, status.can_redo) == (False, True)
        assert status.redo_text == "Beat of tone: 10 Hz → 6.5 Hz"
        assert status.revision > before.revision
        ((_, number),) = desk.app.player.running()
        assert desk.app.engine.parameter(number, "beat_hz") == 10
        status = await desk.redo()
        assert desk.params["beat_hz"] == 6.5
        assert desk.app.engine.parameter(number, "beat_hz") == 6.5
        assert (status.can_undo, status.can_redo) == (True, False)

    desk.play(script)


@pytest.mark.parametrize("request_", [messages.Undo(), messages.Redo()])
def test_with_nothing_to_undo_one_line_says_so(desk, request_):
    async def script() -> None:
        before = desk.app.player.revision
        with pytest.raises(EntrainError, match=f"^nothing to {request_.command}$"):
            await desk.ask(request_)
        assert desk.app.player.revision == before

    desk.play(script)


def test_values_of_one_request_are_one_step_wherever_they_belong(desk):
    """The engine's own layers and the user's space are undone like the protocol's values."""

    async def script() -> None:
        await desk.ask(messages.Settings(space=messages.SpaceWishes(mode="speakers")))
        before = desk.sound
        await desk.set(tone__beat_hz=5, pre__gate=1, space__width_deg=90)
        assert desk.app.status().undo_text.endswith(" and 2 more")
        changed = desk.sound
        assert desk.app.saver.kept.settings == {"pre.gate": 1}

        await desk.undo()

        assert desk.sound == before
        assert desk.app.saver.kept.settings == {}
        assert (
            desk.app.engine.parameter(desk.app.player._chain._layers["space"][1], "width_deg") == 60
        )
        await desk.redo()
        assert desk.sound == changed
        await desk.undo()
        assert (await desk.undo()).redo_text == "Space: off → speakers"
        assert desk.app.status().space.mode == "off"

    desk.play(script)


def test_a_dragged_slider_is_one_step_and_a_later_move_another(desk):
    async def script() -> None:
        for number in range(50):  # longer than a second in all
            desk.now_s += 0.1
            await desk.move(tone__beat_hz=4 + number / 10)
        desk.now_s += JOIN_S
        await desk.move(tone__beat_hz=20)

        await desk.undo()
        assert desk.params["beat_hz"] == pytest.approx(8.9)
        await desk.move(tone__beat_hz=15)  # at once, but after an undo
        await desk.undo()
        assert desk.params["beat_hz"] == pytest.approx(8.9)
        await desk.undo()
        assert desk.params["beat_hz"] == 10
        assert not desk.app.status().can_undo

    desk.play(script)


def test_two_sliders_that_are_dragged_at_the_same_time_are_one_step(desk):
    """Each of two people drags a slider for longer than there are steps."""

    async def script() -> None:
        await desk.set(tone__carrier_hz=300)
        desk.now_s += 2 * JOIN_S
        for number in range(2 * STEPS):
            desk.now_s += 0.01
            await desk.move(tone__beat_hz=4 + number / 100)
            await desk.move(tone__level_db=-24 + number / 100)

        status = await desk.undo()

        assert status.redo_text == "Beat of tone: 10 Hz → 5.99 Hz and 1 more"
        assert desk.params == {"carrier_hz": 300, "beat_hz": 10, "level_db": -15}

    desk.play(script)


def test_steps_of_faster_and_stronger_are_undone(desk):
    async def script() -> None:
        await desk.use("focus-16")
        desk.now_s += 2 * JOIN_S
        before = desk.sound
        await desk.ask(messages.Adjust(rate_steps=1, level_steps=-1))
        assert desk.sound != before
        assert desk.app.protocols.everywhere != "focus-16"
        await desk.undo()
        assert desk.sound == before
        assert desk.app.protocols.everywhere == "focus-16"

    desk.play(script)


@pytest.mark.parametrize("pauses", [False, True])
def test_the_former_protocol_goes_on_where_it_was_left(desk, pauses):
    async def script() -> None:
        way = {"points": [{"at_s": 0, "value": 4}, {"at_s": 100, "value": 14}]}
        await desk.use(protocol({**TONE, "automation": {"beat_hz": way}}, duration_s=200))
        await desk.ask(messages.Session(position_s=50))
        desk.process(1)
        if pauses:
            await desk.ask(messages.Session(runs=False))
            desk.process(0.1)
        await desk.use("default")
        desk.process(7)

        status = await desk.undo()

        assert status.protocol.elapsed_s == pytest.approx(51, abs=0.02)
        assert status.protocol.runs is not pauses
        desk.process(2)
        assert desk.app.status().protocol.elapsed_s == pytest.approx(51 if pauses else 53, abs=0.02)
        ((_, number),) = desk.app.player.running()
        beat_hz = desk.app.engine.parameter(number, "beat_hz", target=False)
        assert beat_hz == pytest.approx(9.1 if pauses else 9.3, abs=0.02)
        status = await desk.redo()
        assert status.protocol.id == "default"
        assert status.protocol.elapsed_s == pytest.approx(7, abs=0.02)

    desk.play(script)


def test_the_session_goes_on_when_a_value_is_undone(desk):
    async def script() -> None:
        desk.process(1)
        await desk.set(tone__beat_hz=5)
        desk.process(3)
        assert (await desk.undo()).protocol.elapsed_s == pytest.approx(4, abs=0.02)

    desk.play(script)


def test_a_session_that_had_ended_stays_ended(desk):
    async def script() -> None:
        await desk.use(protocol(duration_s=1))
        desk.process(1.5)
        desk.app.player.tick(0)
        assert desk.app.player.ended
        await desk.use("default")

        status = await desk.undo()

        assert status.protocol.ended
        assert np.abs(desk.process(0.5)[:, -4800:]).max() == 0
        assert not (await desk.redo()).protocol.ended
        assert desk.app.player.layers

    desk.play(script)


def test_a_value_that_ended_an_automation_gives_it_back(desk):
    async def script() -> None:
        way = {"points": [{"at_s": 0, "value": 4}, {"at_s": 100, "value": 14}]}
        await desk.use(protocol({**TONE, "automation": {"beat_hz": way}}))
        await desk.set(tone__beat_hz=20)
        assert desk.app.status().undo_text == "Beat of tone: its course → 20 Hz"
        desk.process(10)

        await desk.undo()
        desk.process(0.1)

        ((_, number),) = desk.app.player.running()
        beat_hz = desk.app.engine.parameter(number, "beat_hz", target=False)
        assert beat_hz == pytest.approx(5, abs=0.05)

    desk.play(script)


def test_a_long_glide_is_undone_at_once(desk):
    async def script() -> None:
        await desk.set(600, tone__beat_hz=20)
        desk.process(60)
        ((_, number),) = desk.app.player.running()
        assert desk.app.engine.parameter(number, "beat_hz", target=False) == pytest.approx(11, 0.01)

        await desk.undo()
        desk.process(0.05)

        assert desk.app.engine.parameter(number, "beat_hz", target=False) == 10

    desk.play(script)


def test_a_refused_value_is_no_step(desk):
    async def script() -> None:
        await desk.set(tone__beat_hz=5)
        with pytest.raises(ProtocolError):
            await desk.set(tone__beat_hz=6, tone__carrier_hz=-1)
        with pytest.raises(ProtocolError):
            await desk.use("nonsense")
        assert (await desk.undo()).redo_text == "Beat of tone: 10 Hz → 5 Hz"
        assert not desk.app.status().can_undo

    desk.play(script)


def test_what_changes_nothing_is_no_step(desk):
    async def script() -> None:
        revision = desk.app.player.revision
        await desk.set(tone__beat_hz=10, pre__gate=0)
        assert desk.app.player.revision == revision
        assert desk.app.saver.kept.settings == {"pre.gate": 0}
        await desk.set(tone__level_db=-20)
        await desk.set(tone__beat_hz=5)
        await desk.move(tone__beat_hz=10)  # dragged there and back
        assert (await desk.undo()).redo_text == "Level of tone: -15 dB → -20 dB"

    desk.play(script)


def test_a_new_step_ends_what_can_be_made_again(desk):
    async def script() -> None:
        await desk.set(tone__beat_hz=5)
        await desk.undo()
        await desk.set(tone__level_db=-20)
        assert not desk.app.status().can_redo
        with pytest.raises(EntrainError, match="nothing to redo"):
            await desk.redo()

    desk.play(script)


def test_a_hundred_steps_are_kept(desk):
    async def script() -> None:
        for number in range(STEPS + 20):
            await desk.set(tone__beat_hz=5 + number / 10)
        for _ in range(STEPS):
            await desk.undo()
        assert desk.params["beat_hz"] == pytest.approx(6.9)
        assert not desk.app.status().can_undo

    desk.play(script)


def test_switches_the_sleep_timer_and_saving_are_no_steps(desk):
    async def script() -> None:
        await desk.set(tone__beat_hz=5)
        for request in (
            messages.Bypass(on=True),
            messages.Sleep(minutes=30),
            messages.Session(position_s=20),
            messages.Settings(unplugged="same", session_log=False),
            messages.Save(name="Mine"),
        ):
            await desk.ask(request)

        status = await desk.undo()

        assert (status.protocol.id, desk.params["beat_hz"]) == ("default", 10)
        assert status.bypass
        assert status.sleep_left_s is not None
        assert status.unplugged == "same"
        assert not status.can_undo
        assert (await desk.redo()).protocol.id == "mine"
        assert desk.app.protocols.everywhere == "mine"

    desk.play(script)


def test_a_value_set_before_saving_elsewhere_keeps_the_new_name(desk):
    """A step restores only what it has changed."""

    async def script() -> None:
        await desk.set(pre__gate=1)
        await desk.ask(messages.Save(name="Mine"))
        status = await desk.undo()
        assert status.settings == {}
        assert status.protocol.id == "mine"

    desk.play(script)


def test_an_undone_protocol_is_what_the_next_start_plays(desk, tmp_path):
    async def script() -> None:
        await desk.use("focus-16")
        await desk.set(music__depth=0.25)
        await desk.undo()
        await desk.undo()

    desk.play(script)

    stored = json.loads((tmp_path / "state.json").read_text())
    assert stored["protocol"] == "default"


def test_after_its_file_has_changed_a_protocol_comes_back_as_it_was_heard(desk):
    async def script() -> None:
        desk.protocols.mkdir()
        file = desk.protocols / "mine.json"
        mine = protocol(id="mine", name="Mine")
        file.write_text(mine.model_dump_json())
        await desk.use("mine")
        await desk.set(tone__beat_hz=5)
        edited = protocol({**TONE, "params": {**TONE["params"], "beat_hz": 33}}, id="mine")
        file.write_text(edited.model_dump_json())
        await desk.reload()

        await desk.undo()
        assert desk.app.player.protocol == mine
        await desk.reload()
        assert desk.app.player.protocol == mine
        assert desk.app.protocols.everywhere == mine  # not the file's name

        file.unlink()
        await desk.redo()
        await desk.reload()
        await desk.undo()
        assert desk.app.protocols.everywhere == mine

    desk.play(script)


def test_a_protocol_for_one_output_is_undone(desk):
    async def script() -> None:
        await desk.use("focus-16", here=True)
        assert desk.app.protocols.remembered == {"dac": "focus-16"}
        await desk.undo()
        assert desk.app.protocols.remembered == {}
        assert desk.app.protocols.everywhere == "default"
        await desk.redo()
        assert desk.app.protocols.remembered == {"dac": "focus-16"}
        assert desk.app.protocols.everywhere == "default"
        desk.now_s += 2 * JOIN_S
        await desk.use("calm-10", here=False)
        assert desk.app.protocols.everywhere == "calm-10"
        await desk.undo()
        assert desk.app.protocols.remembered == {"dac": "focus-16"}
        assert desk.app.protocols.everywhere == "default"

    desk.play(script)


def test_no_protocol_of_one_output_comes_back_on_another(desk):
    async def script() -> None:
        await desk.use("focus-16", here=True)
        await desk.set(music__depth=0.3)
        desk.play_on("speakers")
        assert desk.app.player.protocol.id == "default"
        with pytest.raises(EntrainError, match="nothing to undo"):
            await desk.undo()
        await desk.set(tone__beat_hz=5)
        desk.play_on("dac")
        with pytest.raises(EntrainError, match="nothing to undo"):
            await desk.undo()
        assert desk.params["depth"] == 0.3

    desk.play(script)


def test_on_another_output_with_the_same_protocol_the_steps_stay_but_for_the_space(desk):
    async def script() -> None:
        await desk.set(tone__beat_hz=5)
        await desk.ask(messages.Settings(space=messages.SpaceWishes(mode="speakers")))
        await desk.set(tone__level_db=-20, space__width_deg=80)
        desk.play_on("other")

        await desk.undo()
        assert desk.params["level_db"] == -15
        assert desk.app.spaces.settings.params == {}
        await desk.undo()
        assert desk.params["beat_hz"] == 10
        assert desk.app.spaces.settings.mode == "off"
        assert not desk.app.status().can_undo
        assert desk.app.spaces.by_output["dac"].mode == "speakers"

    desk.play(script)


def test_on_loudspeakers_the_values_of_the_alternative_are_undone(desk):
    async def script() -> None:
        whole = protocol(requires_headphones=True, without_headphones=(MONAURAL,))
        await desk.use(whole)
        await desk.set(tone__beat_hz=5)
        desk.app.player.listen_on("speakers")
        await desk.set(tone__beat_hz=6)

        status = await desk.undo()
        assert status.redo_text == "Beat of tone: 5 Hz → 6 Hz"
        assert [each.kind for each in status.protocol.layers] == ["monaural"]
        assert desk.params["beat_hz"] == 5
        await desk.undo()
        assert desk.app.player.protocol == whole

    desk.play(script)


def test_an_undo_that_the_engine_refuses_can_be_tried_again(desk, monkeypatch):
    async def script() -> None:
        await desk.use("focus-16")
        before = desk.sound

        def refuse(*_: object) -> None:
            raise EngineError("layers", 2, "out of memory")

        with monkeypatch.context() as patched:
            patched.setattr(desk.app.engine, "add_layer", refuse)
            with pytest.raises(EngineError):
                await desk.undo()
        assert desk.sound == before
        assert desk.app.status().undo_text == "Alpha 10 → Focus 16"
        assert (await desk.undo()).protocol.id == "default"

    desk.play(script)


def test_the_sleep_timers_fade_goes_on_through_an_undo(desk):
    def level() -> float:
        return float(np.sqrt(np.mean(desk.process(0.1).astype(float) ** 2)))

    async def script() -> None:
        await desk.use(protocol())
        desk.process(0.4)
        loud = level()
        await desk.set(tone__beat_hz=5)
        desk.app.player.sleep(0.05, 0.0)
        desk.app.player.tick(0.5)
        desk.process(1.5)
        desk.app.player.tick(2.0)
        await desk.undo()
        desk.process(0.1)
        assert level() < 0.4 * loud

    desk.play(script)


@pytest.mark.parametrize("what", ["value", "protocol"])
def test_an_undo_does_not_click(desk, what):
    """No short burst at an undo or a redo exceeds the sound before and after it by 1 dB."""

    async def script() -> None:
        noise = {"kind": "noise", "params": {"floor_db": -40, "ceiling_db": -40}}
        await desk.use(protocol(TONE, noise))
        desk.process(0.5)
        if what == "value":
            await desk.set(tone__beat_hz=30, tone__carrier_hz=440)
        else:
            await desk.use(protocol({**TONE, "id": "other"}, noise))
        heard = [desk.process(clicks.EVERY / clicks.RATE_HZ)]
        for number in range(6):
            await (desk.redo() if number % 2 else desk.undo())
            heard.append(desk.process(clicks.EVERY / clicks.RATE_HZ))
        sound = high_passed(np.concatenate(heard, axis=1))
        for number in range(1, 6):
            assert clicks.bursts_db(sound, number * clicks.EVERY) < 1

    desk.play(script)


def high_passed(sound: np.ndarray) -> np.ndarray:
    """Return what lies above 6 kHz, where a click has sound and the tones have none."""
    from scipy.signal import butter, sosfilt

    return np.asarray(sosfilt(butter(4, 6000, "high", fs=clicks.RATE_HZ, output="sos"), sound))


def test_steps_share_what_they_have_in_common(desk):
    """A hundred steps in a protocol of about 3 MB need less than 1 MB."""

    async def script() -> None:
        points = [{"at_s": at, "value": 4 + at % 7} for at in range(1000)]
        layers = [
            {**TONE, "id": f"l{number}", "automation": {"beat_hz": {"points": points}}}
            for number in range(16)
        ]
        await desk.use(protocol(*layers))
        tracemalloc.start()
        for number in range(2 * STEPS):
            await desk.set(**{f"l{number % 16}__level_db": -24 + number % 100 / 10})
            desk.app.status()
        current, _ = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert current < 1e6

    desk.play(script)
