"""Undo and redo: the sound, the status and the stored state go back and forth."""

import tracemalloc

import clicks
import numpy as np
import pytest
from played_protocol import TONE, protocol

from entrain.errors import EngineError, EntrainError
from entrain.vdevice.api import messages
from entrain.vdevice.protocol.errors import ProtocolError
from entrain.vdevice.session import history
from entrain.vdevice.session.history import JOIN_S, STEPS


def test_a_value_goes_back_and_forth_and_the_status_says_which(undo_desk):
    async def script() -> None:
        before = undo_desk.app.status()
        assert (before.can_undo, before.undo_text, before.can_redo) == (False, "", False)
        await undo_desk.set(tone__beat_hz=6.5)
        assert undo_desk.app.status().undo_text == "Beat of tone: 10 Hz → 6.5 Hz"

        status = await undo_desk.undo()

        assert status.protocol.layers[0].params["beat_hz"] == 10
        assert (status.can_undo, status.can_redo) == (False, True)
        assert status.redo_text == "Beat of tone: 10 Hz → 6.5 Hz"
        assert status.revision > before.revision
        assert undo_desk.engine_value("tone.beat_hz", target=True) == 10
        status = await undo_desk.redo()
        assert undo_desk.params["beat_hz"] == 6.5
        assert undo_desk.engine_value("tone.beat_hz", target=True) == 6.5
        assert (status.can_undo, status.can_redo) == (True, False)

    undo_desk.play(script)


@pytest.mark.parametrize("request_", [messages.Undo(), messages.Redo()])
def test_with_nothing_to_undo_one_line_says_so(undo_desk, request_):
    async def script() -> None:
        before = undo_desk.app.player.revision
        with pytest.raises(EntrainError, match=f"^nothing to {request_.command}$"):
            await undo_desk.ask(request_)
        assert undo_desk.app.player.revision == before

    undo_desk.play(script)


def test_values_of_one_request_are_one_step_wherever_they_belong(undo_desk):
    """The engine's own layers and the user's space are undone like the protocol's values."""

    async def script() -> None:
        await undo_desk.ask(messages.Settings(space=messages.SpaceWishes(mode="speakers")))
        before = undo_desk.sound
        await undo_desk.set(tone__beat_hz=5, pre__gate=1, space__width_deg=90)
        assert undo_desk.app.status().undo_text.endswith(" and 2 more")
        changed = undo_desk.sound
        assert undo_desk.app.saver.kept.settings == {"pre.gate": 1}

        await undo_desk.undo()

        assert undo_desk.sound == before
        assert undo_desk.app.saver.kept.settings == {}
        assert (
            undo_desk.app.engine.parameter(
                undo_desk.app.player._chain._layers["space"][1], "width_deg"
            )
            == 60
        )
        await undo_desk.redo()
        assert undo_desk.sound == changed
        await undo_desk.undo()
        assert (await undo_desk.undo()).redo_text == "Space: off → speakers"
        assert undo_desk.app.status().space.mode == "off"

    undo_desk.play(script)


def test_a_dragged_slider_is_one_step_and_a_later_move_another(undo_desk):
    async def script() -> None:
        for number in range(50):  # longer than a second in all
            undo_desk.now_s += 0.1
            await undo_desk.move(tone__beat_hz=4 + number / 10)
        undo_desk.now_s += JOIN_S
        await undo_desk.move(tone__beat_hz=20)

        await undo_desk.undo()
        assert undo_desk.params["beat_hz"] == pytest.approx(8.9)
        await undo_desk.move(tone__beat_hz=15)  # at once, but after an undo
        await undo_desk.undo()
        assert undo_desk.params["beat_hz"] == pytest.approx(8.9)
        await undo_desk.undo()
        assert undo_desk.params["beat_hz"] == 10
        assert not undo_desk.app.status().can_undo

    undo_desk.play(script)


def test_switches_of_the_space_are_steps_of_their_own_even_at_once(undo_desk):
    async def script() -> None:
        for wishes in ({"mode": "speakers"}, {"head_cm": 60}, {"mode": "off", "head_cm": 61}):
            await undo_desk.ask(messages.Settings(space=messages.SpaceWishes(**wishes)))

        assert (await undo_desk.undo()).space.mode == "speakers"
        assert undo_desk.app.status().space.head_cm == 60
        assert (await undo_desk.undo()).space.head_cm == 57
        assert (await undo_desk.undo()).space.mode == "off"
        assert not undo_desk.app.status().can_undo

    undo_desk.play(script)


def test_protocols_of_one_name_are_told_apart(undo_desk):
    async def script() -> None:
        texts = []
        for layers in (
            ("noise:", "binaural:"),
            ("noise:",),
            ("noise:tilt_db_per_octave=0",),
            ("noise:",),
        ):
            first, *others = layers
            await undo_desk.ask(messages.Use(protocol=first, layers=tuple(others)))
            texts.append(undo_desk.app.status().undo_text)
        assert texts == [
            "Alpha 10 → Custom",
            "Custom: noise, binaural → noise",
            "Custom, with other values",
            "Custom, with other values",
        ]

    undo_desk.play(script)


def test_two_sliders_that_are_dragged_at_the_same_time_are_one_step(undo_desk):
    """Each of two people drags a slider for longer than there are steps."""

    async def script() -> None:
        await undo_desk.set(tone__carrier_hz=300)
        undo_desk.now_s += 2 * JOIN_S
        for number in range(2 * STEPS):
            undo_desk.now_s += 0.01
            await undo_desk.move(tone__beat_hz=4 + number / 100)
            await undo_desk.move(tone__level_db=-24 + number / 100)

        status = await undo_desk.undo()

        assert status.redo_text == "Beat of tone: 10 Hz → 5.99 Hz and 1 more"
        assert undo_desk.params == {"carrier_hz": 300, "beat_hz": 10, "level_db": -15}

    undo_desk.play(script)


def test_steps_of_faster_and_stronger_are_undone(undo_desk):
    async def script() -> None:
        await undo_desk.use("focus-16")
        undo_desk.now_s += 2 * JOIN_S
        before = undo_desk.sound
        await undo_desk.ask(messages.Adjust(rate_steps=1, level_steps=-1))
        assert undo_desk.sound != before
        assert undo_desk.app.protocols.everywhere != "focus-16"
        await undo_desk.undo()
        assert undo_desk.sound == before
        assert undo_desk.app.protocols.everywhere == "focus-16"

    undo_desk.play(script)


@pytest.mark.parametrize("pauses", [False, True])
def test_the_former_protocol_goes_on_where_it_was_left(undo_desk, pauses):
    async def script() -> None:
        way = {"points": [{"at_s": 0, "value": 4}, {"at_s": 100, "value": 14}]}
        await undo_desk.use(protocol({**TONE, "automation": {"beat_hz": way}}, duration_s=200))
        await undo_desk.ask(messages.Session(position_s=50))
        undo_desk.process(1)
        if pauses:
            await undo_desk.ask(messages.Session(runs=False))
            undo_desk.process(0.1)
        await undo_desk.use("default")
        undo_desk.process(7)

        status = await undo_desk.undo()

        assert status.protocol.elapsed_s == pytest.approx(51, abs=0.02)
        assert status.protocol.runs is not pauses
        undo_desk.process(2)
        assert undo_desk.app.status().protocol.elapsed_s == pytest.approx(
            51 if pauses else 53, abs=0.02
        )
        beat_hz = undo_desk.engine_value("tone.beat_hz")
        assert beat_hz == pytest.approx(9.1 if pauses else 9.3, abs=0.02)
        status = await undo_desk.redo()
        assert status.protocol.id == "default"
        assert status.protocol.elapsed_s == pytest.approx(7, abs=0.02)

    undo_desk.play(script)


def test_the_session_goes_on_when_a_value_is_undone(undo_desk):
    async def script() -> None:
        undo_desk.process(1)
        await undo_desk.set(tone__beat_hz=5)
        undo_desk.process(3)
        assert (await undo_desk.undo()).protocol.elapsed_s == pytest.approx(4, abs=0.02)

    undo_desk.play(script)


def test_a_session_that_had_ended_stays_ended(undo_desk):
    async def script() -> None:
        await undo_desk.use(protocol(duration_s=1))
        undo_desk.process(1.5)
        undo_desk.app.player.tick(0)
        assert undo_desk.app.player.ended
        await undo_desk.use("default")

        status = await undo_desk.undo()

        assert status.protocol.ended
        assert np.abs(undo_desk.process(0.5)[:, -4800:]).max() == 0
        assert not (await undo_desk.redo()).protocol.ended
        assert undo_desk.app.player.layers

    undo_desk.play(script)


def test_a_value_that_ended_an_automation_gives_it_back(undo_desk):
    async def script() -> None:
        way = {"points": [{"at_s": 0, "value": 4}, {"at_s": 100, "value": 14}]}
        await undo_desk.use(protocol({**TONE, "automation": {"beat_hz": way}}))
        await undo_desk.set(tone__beat_hz=20)
        assert undo_desk.app.status().undo_text == "Beat of tone: its course → 20 Hz"
        undo_desk.process(10)

        await undo_desk.undo()
        undo_desk.process(0.1)

        beat_hz = undo_desk.engine_value("tone.beat_hz")
        assert beat_hz == pytest.approx(5, abs=0.05)

    undo_desk.play(script)


def test_a_long_glide_is_undone_at_once(undo_desk):
    async def script() -> None:
        await undo_desk.set(600, tone__beat_hz=20)
        undo_desk.process(60)
        assert undo_desk.engine_value("tone.beat_hz") == pytest.approx(11, 0.01)

        await undo_desk.undo()
        undo_desk.process(0.05)

        assert undo_desk.engine_value("tone.beat_hz") == 10

    undo_desk.play(script)


def test_a_refused_value_is_no_step(undo_desk):
    async def script() -> None:
        await undo_desk.set(tone__beat_hz=5)
        with pytest.raises(ProtocolError):
            await undo_desk.set(tone__beat_hz=6, tone__carrier_hz=-1)
        with pytest.raises(ProtocolError):
            await undo_desk.use("nonsense")
        assert (await undo_desk.undo()).redo_text == "Beat of tone: 10 Hz → 5 Hz"
        assert not undo_desk.app.status().can_undo

    undo_desk.play(script)


def test_what_changes_nothing_is_no_step(undo_desk):
    async def script() -> None:
        revision = undo_desk.app.player.revision
        await undo_desk.set(tone__beat_hz=10, pre__gate=0)
        assert undo_desk.app.player.revision == revision
        assert undo_desk.app.saver.kept.settings == {"pre.gate": 0}
        await undo_desk.set(tone__level_db=-20)
        await undo_desk.set(tone__beat_hz=5)
        await undo_desk.move(tone__beat_hz=10)  # dragged there and back
        assert (await undo_desk.undo()).redo_text == "Level of tone: -15 dB → -20 dB"

    undo_desk.play(script)


@pytest.mark.parametrize("address", ["space__amount", "tone__amount"])
def test_a_value_that_is_back_at_its_initial_one_is_told_by_its_name(undo_desk, address):
    """The sound did not name the value before, so the step is one, though it is inaudible."""

    async def script() -> None:
        await undo_desk.ask(messages.Settings(space=messages.SpaceWishes(mode="speakers")))
        await undo_desk.set(**{address: 0})
        name = f"Amount of {address.partition('__')[0]}"
        assert undo_desk.app.status().undo_text == f"{name}: 1 → 0"
        await undo_desk.move(**{address: 1})
        assert undo_desk.app.status().undo_text == f"{name}: 1, as before"

    undo_desk.play(script)


def test_a_step_tells_rounded_values_unless_they_would_be_the_same(undo_desk):
    async def script() -> None:
        await undo_desk.set(tone__amount=0.70633)
        assert undo_desk.app.status().undo_text == "Amount of tone: 1 → 0.71"
        await undo_desk.set(tone__amount=0.708)
        assert undo_desk.app.status().undo_text == "Amount of tone: 0.70633 → 0.708"

    undo_desk.play(script)


def test_a_new_step_ends_what_can_be_made_again(undo_desk):
    async def script() -> None:
        await undo_desk.set(tone__beat_hz=5)
        await undo_desk.undo()
        await undo_desk.set(tone__level_db=-20)
        assert not undo_desk.app.status().can_redo
        with pytest.raises(EntrainError, match="nothing to redo"):
            await undo_desk.redo()

    undo_desk.play(script)


def test_a_hundred_steps_are_kept(undo_desk):
    async def script() -> None:
        for number in range(STEPS + 20):
            await undo_desk.set(tone__beat_hz=5 + number / 10)
        for _ in range(STEPS):
            await undo_desk.undo()
        assert undo_desk.params["beat_hz"] == pytest.approx(6.9)
        assert not undo_desk.app.status().can_undo

    undo_desk.play(script)


def test_of_very_long_protocols_fewer_steps_are_kept(undo_desk, monkeypatch):
    monkeypatch.setattr(history, "MAX_BREAKPOINTS", 1000, raising=False)
    points = [{"at_s": at_s, "value": 10} for at_s in range(300)]
    course = {"beat_hz": {"points": points}}

    async def script() -> None:
        for number in range(8):
            wanted = {"kind": "binaural", "id": "tone", "automation": course}
            await undo_desk.use(protocol(wanted, id=f"long-{number}"))
        for carrier_hz in (250, 300):  # these steps share the course of the last protocol
            await undo_desk.set(tone__carrier_hz=carrier_hz)
        for _ in range(4):
            await undo_desk.undo()
        assert undo_desk.app.player.protocol.id == "long-5"
        assert not undo_desk.app.status().can_undo
        for _ in range(4):
            await undo_desk.redo()
        assert undo_desk.params["carrier_hz"] == 300

    undo_desk.play(script)


def test_switches_the_sleep_timer_and_saving_are_no_steps(undo_desk):
    async def script() -> None:
        await undo_desk.set(tone__beat_hz=5)
        for request in (
            messages.Bypass(on=True),
            messages.Sleep(minutes=30),
            messages.Session(position_s=20),
            messages.Settings(unplugged="same", session_log=False),
            messages.Save(name="Mine"),
        ):
            await undo_desk.ask(request)

        status = await undo_desk.undo()

        assert (status.protocol.id, undo_desk.params["beat_hz"]) == ("default", 10)
        assert status.bypass
        assert status.sleep_left_s is not None
        assert status.unplugged == "same"
        assert not status.can_undo
        assert (await undo_desk.redo()).protocol.id == "mine"
        assert undo_desk.app.protocols.everywhere == "mine"

    undo_desk.play(script)


def test_a_value_set_before_saving_elsewhere_keeps_the_new_name(undo_desk):
    """A step restores only what it has changed."""

    async def script() -> None:
        await undo_desk.set(pre__gate=1)
        await undo_desk.ask(messages.Save(name="Mine"))
        status = await undo_desk.undo()
        assert status.settings == {}
        assert status.protocol.id == "mine"

    undo_desk.play(script)


def test_an_undo_that_the_engine_refuses_can_be_tried_again(undo_desk, monkeypatch):
    async def script() -> None:
        await undo_desk.use("focus-16")
        before = undo_desk.sound

        def refuse(*_: object) -> None:
            raise EngineError("layers", 2, "out of memory")

        with monkeypatch.context() as patched:
            patched.setattr(undo_desk.app.engine, "add_layer", refuse)
            with pytest.raises(EngineError):
                await undo_desk.undo()
        assert undo_desk.sound == before
        assert undo_desk.app.status().undo_text == "Alpha 10 → Focus 16"
        assert (await undo_desk.undo()).protocol.id == "default"

    undo_desk.play(script)


def test_the_sleep_timers_fade_goes_on_through_an_undo(undo_desk):
    def level() -> float:
        return float(np.sqrt(np.mean(undo_desk.process(0.1).astype(float) ** 2)))

    async def script() -> None:
        await undo_desk.use(protocol())
        undo_desk.process(0.4)
        loud = level()
        await undo_desk.set(tone__beat_hz=5)
        undo_desk.app.player.sleep(0.05, 0.0)
        undo_desk.app.player.tick(0.5)
        undo_desk.process(1.5)
        undo_desk.app.player.tick(2.0)
        await undo_desk.undo()
        undo_desk.process(0.1)
        assert level() < 0.4 * loud

    undo_desk.play(script)


@pytest.mark.parametrize("what", ["value", "protocol"])
def test_an_undo_does_not_click(undo_desk, what):
    """No short burst at an undo or a redo exceeds the sound before and after it by 1 dB."""

    async def script() -> None:
        noise = {"kind": "noise", "params": {"floor_db": -40, "ceiling_db": -40}}
        await undo_desk.use(protocol(TONE, noise))
        undo_desk.process(0.5)
        if what == "value":
            await undo_desk.set(tone__beat_hz=30, tone__carrier_hz=440)
        else:
            await undo_desk.use(protocol({**TONE, "id": "other"}, noise))
        heard = [undo_desk.process(clicks.EVERY / clicks.RATE_HZ)]
        for number in range(6):
            await (undo_desk.redo() if number % 2 else undo_desk.undo())
            heard.append(undo_desk.process(clicks.EVERY / clicks.RATE_HZ))
        sound = high_passed(np.concatenate(heard, axis=1))
        for number in range(1, 6):
            assert clicks.bursts_db(sound, number * clicks.EVERY) < 1

    undo_desk.play(script)


def high_passed(sound: np.ndarray) -> np.ndarray:
    """Return what lies above 6 kHz, where a click has sound and the tones have none."""
    from scipy.signal import butter, sosfilt

    return np.asarray(sosfilt(butter(4, 6000, "high", fs=clicks.RATE_HZ, output="sos"), sound))


def test_steps_share_what_they_have_in_common(undo_desk):
    """A hundred steps in a protocol of about 3 MB need less than 1 MB."""

    async def script() -> None:
        points = [{"at_s": at, "value": 4 + at % 7} for at in range(1000)]
        layers = [
            {**TONE, "id": f"l{number}", "automation": {"beat_hz": {"points": points}}}
            for number in range(16)
        ]
        await undo_desk.use(protocol(*layers))
        tracemalloc.start()
        for number in range(2 * STEPS):
            await undo_desk.set(**{f"l{number % 16}__level_db": -24 + number % 100 / 10})
            undo_desk.app.status()
        current, _ = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert current < 1e6

    undo_desk.play(script)
