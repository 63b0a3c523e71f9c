"""Random sequences of changes, undos and redos, by one client and by three at once."""

import asyncio
import random
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from undo_desk import UndoDesk

from entrain.engine import blocks
from entrain.errors import EntrainError
from entrain.platform import local_socket
from entrain.vdevice.api import messages
from entrain.vdevice.api.client import Client, ClientError
from entrain.vdevice.api.control_server import ControlServer
from entrain.vdevice.session.history import JOIN_S, STEPS

CHANGES_EACH = 1000
PARTS = ("protocol", "settings", "space", "revision", "undo_text", "redo_text")

VALUES = st.fixed_dictionaries(
    {},
    optional={
        "tone.beat_hz": st.sampled_from([4.0, 10.0, 12.5]),
        "tone.level_db": st.sampled_from([-20.0, -15.0]),
        "pre.gate": st.sampled_from([0.0, 1.0]),
        "space.head_cm": st.sampled_from([55.0, 60.0]),
    },
).filter(bool)
EVENTS = st.one_of(
    st.tuples(st.just("set"), VALUES),
    st.tuples(st.just("set"), VALUES),
    st.tuples(st.just("use"), st.sampled_from(["default", "calm-10", "focus-16", "none"])),
    st.tuples(st.just("adjust"), st.sampled_from([-1, 1])),
    st.tuples(st.sampled_from(["undo", "redo", "wait"])),
)


class Model:
    """The sounds and the steps between them, as a user expects them."""

    def __init__(self, sound: Any) -> None:
        self.sounds = [sound]
        self.steps: list[set[str]] = []
        """Addresses that each step has moved; empty: it has replaced the protocol."""
        self.undone: list[tuple[set[str], Any]] = []
        self.open_from = 0
        """The first step that moves can still join."""

    def changed(self, moved: set[str], sound: Any) -> None:
        if moved and sound == self.sounds[-1]:
            return
        self.undone.clear()
        recent = range(self.open_from, len(self.steps))
        if joined := [number for number in recent if self.steps[number] & moved]:
            moved = set().union(moved, *self.steps[joined[0] :])
            del self.steps[joined[0] :], self.sounds[joined[0] + 1 :]
        self.steps.append(moved)
        self.sounds.append(sound)
        if not moved:
            self.pause()
        elif self.sounds[-2] == sound:  # moved there and back
            self.steps.pop()
            self.sounds.pop()

    def pause(self) -> None:
        self.open_from = len(self.steps)

    def undo(self) -> None:
        self.undone.append((self.steps.pop(), self.sounds.pop()))
        self.pause()

    def redo(self) -> None:
        moved, sound = self.undone.pop()
        self.steps.append(moved)
        self.sounds.append(sound)
        self.pause()


@settings(deadline=None, max_examples=60)
@given(events=st.lists(EVENTS, max_size=30))
def test_any_sequence_is_undone_and_made_again_step_by_step(tmp_path_factory, events):
    async def script() -> None:
        model = Model(desk.sound)
        for event in events:
            await act(desk, model, event)
            status = desk.app.status()
            assert desk.sound == model.sounds[-1]
            assert (status.can_undo, status.can_redo) == (bool(model.steps), bool(model.undone))
        now = desk.sound
        for expected in reversed(model.sounds[:-1]):
            await desk.undo()
            assert desk.sound == expected
        for expected in model.sounds[1:]:
            await desk.redo()
            assert desk.sound == expected
        assert desk.sound == now

    with pytest.MonkeyPatch.context() as patched:
        desk = UndoDesk(tmp_path_factory.mktemp("desk"), patched)
        try:
            desk.play(script)
        finally:
            desk.app.engine.close()


async def act(desk: UndoDesk, model: Model, event: Any) -> None:
    """Carry out an event at the app and in the model."""
    match event:
        case ("set", values):
            try:
                await desk.ask(messages.Set(values=values))
            except EntrainError:  # there is no such layer now
                assert desk.sound == model.sounds[-1]
            else:
                model.changed(set(values), desk.sound)
        case ("use", protocol):
            await desk.use(protocol)
            model.changed(set(), desk.sound)
        case ("adjust", steps):
            try:
                moved = desk.app.player.stepped(steps, 0)
            except EntrainError:
                return
            await desk.ask(messages.Adjust(rate_steps=steps))
            model.changed(set(moved), desk.sound)
        case ("wait",):
            desk.now_s += 2 * JOIN_S
            model.pause()
        case ("undo",) if model.steps:
            await desk.undo()
            model.undo()
        case ("redo",) if model.undone:
            await desk.redo()
            model.redo()


def test_three_clients_at_once_end_with_the_same_sound_and_history(tmp_path, monkeypatch):
    """Each makes a thousand changes, and watches the changes of the others."""
    desk = UndoDesk(tmp_path, monkeypatch)
    monkeypatch.undo()  # the clock runs
    path = tmp_path / "socket"

    async def script() -> None:
        server = ControlServer(local_socket.claim(path, 32), desk.app.hub, blocks)
        await server.start()
        watching = [asyncio.create_task(asyncio.to_thread(watch, path)) for _ in range(3)]
        refusals = await asyncio.gather(
            *(asyncio.to_thread(change, path, seed) for seed in range(3))
        )
        for line in set().union(*refusals):
            assert line.startswith("nothing to ") or " cannot go " in line
        await asyncio.to_thread(end, path)
        status = desk.app.status().model_dump(mode="json", include=set(PARTS))
        for seen in await asyncio.gather(*watching):
            assert seen["revision"] > CHANGES_EACH
            assert {part: seen[part] for part in PARTS} == status
        now, undone = desk.sound, 0
        while desk.app.status().can_undo:
            await desk.undo()
            undone += 1
        assert 10 < undone <= STEPS
        for _ in range(undone):
            await desk.redo()
        assert desk.sound == now
        await server.close()

    desk.play(script)
    desk.app.engine.close()


def change(path: Path, seed: int) -> set[str]:
    """Make changes as a front end does; return the lines with which some were refused."""
    refused = set()
    chance = random.Random(seed)
    with Client(path) as client:
        for _ in range(CHANGES_EACH):
            try:
                match chance.randrange(10):
                    case 0:
                        client.ask("undo")
                    case 1:
                        client.ask("redo")
                    case 2:
                        client.ask("adjust", rate_steps=chance.choice([-1, 1]))
                    case 3:
                        client.ask("use", protocol=chance.choice(["default", "calm-10"]))
                    case 4:
                        client.set_values({"limiter.ceiling_db": -chance.randrange(1, 9)})
                    case _:
                        client.set_values({"tone.beat_hz": chance.randrange(40, 200) / 10})
            except ClientError as error:
                refused.add(str(error))
    return refused


def end(path: Path) -> None:
    """Make the last change, which tells the watchers that it is the last."""
    with Client(path) as client:
        client.set_values({"limiter.release_ms": 777})


def watch(path: Path) -> Any:
    """Follow the status until the last change, and return its view of the status."""
    seen: dict[str, Any] = {}
    with Client(path) as client:
        for news in client.watch_parts(PARTS, 0.05):
            seen |= news.parts
            if seen["settings"].get("limiter.release_ms") == 777:
                return seen
    return seen
