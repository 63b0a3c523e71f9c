"""The command `osc`: settings are checked at the door and kept; OSC's words name no layer."""

import asyncio
import sys
from collections.abc import Callable

import pytest
from osc_desk import new_app
from unit.test_app_requests import asked
from unit.test_app_requests import new_app as new_stored_app

from entrain.engine import blocks
from entrain.errors import EntrainError
from entrain.vdevice.api import messages
from entrain.vdevice.api.messages import parse_request
from entrain.vdevice.bridge.osc.tree import LEVELS, MEASURED
from entrain.vdevice.bridge.osc.words import WORDS
from entrain.vdevice.protocol import library
from entrain.vdevice.protocol.errors import ProtocolError
from entrain.vdevice.protocol.names import OSC_WORDS
from entrain.vdevice.protocol.parts.places import SPACE_ID
from entrain.vdevice.protocol.spec import parse_spec
from entrain.vdevice.remote import bridge_process
from entrain.vdevice.remote.osc_settings import OscSettings


@pytest.mark.parametrize(
    "fields",
    [
        '"on": 1',
        '"port": 80',
        '"port": 65536',
        '"feedback_port": "5511"',
        '"listen": "localhost "',
        '"listen": "fe80::1"',
        '"listen": "fe80::1%lo"',
        '"listen": "255.255.255.255"',
        '"listen": "240.0.0.1"',
        '"listen": "224.0.0.1"',
        '"listen": "ff02::1"',
        '"listen": ""',
        '"listen": "1.2.3.4\\n"',
        '"password": "x"',
    ],
)
def test_settings_that_cannot_be_are_refused_in_one_line(fields):
    with pytest.raises(EntrainError) as caught:
        parse_request(f'{{"command": "osc", {fields}}}'.encode())
    assert len(str(caught.value).splitlines()) == 1


@pytest.mark.parametrize("listen", ["127.0.0.1", "0.0.0.0", "192.168.0.10", "::1", "::", "fd00::1"])
def test_addresses_of_both_kinds_are_taken(listen):
    request = parse_request(f'{{"command": "osc", "listen": "{listen}"}}'.encode())
    assert request == messages.Osc(listen=listen)


def test_localhost_is_this_computer_alone():
    request = parse_request(b'{"command": "osc", "listen": "localhost"}')
    assert request == messages.Osc(listen="127.0.0.1")


def test_the_port_of_a_tracker_of_another_output_is_refused(tmp_path):
    """With that output, one of the two could not listen."""
    app = new_app(tmp_path)

    async def main() -> None:
        app.head.play_on("speakers")
        await app.hub.ask(messages.Tracking(on=False, port=6001))
        app.head.play_on("headphones")
        with pytest.raises(EntrainError, match="port 6001 is head tracking's; choose another"):
            await app.hub.ask(messages.Osc(port=6001))
        await app.saver.flush()

    asyncio.run(main())
    app.engine.close()


def test_ports_that_are_taken_within_entrain_are_refused(tmp_path):
    app = new_app(tmp_path)

    async def main() -> None:
        for request, error in (
            (messages.Osc(port=5511), "port 5511 cannot be Entrain's own and the other program's"),
            (messages.Osc(port=9000), "port 9000 is head tracking's; choose another"),
            (messages.Osc(port=4242), "port 4242 is head tracking's; choose another"),
            (messages.Tracking(port=5510), "port 5510 is OSC's; choose another"),
        ):
            with pytest.raises(EntrainError, match=error):
                await app.hub.ask(request)
        assert app.osc.settings == OscSettings()
        await app.saver.flush()

    asyncio.run(main())
    app.engine.close()


def test_settings_survive_a_restart(tmp_path):
    first = new_stored_app(tmp_path)
    asyncio.run(asked(first, messages.Osc(on=True, port=6000, listen="0.0.0.0")))
    second = new_stored_app(tmp_path)

    status = asyncio.run(asked(second, messages.GetStatus())).osc

    assert (status.on, status.port, status.feedback_port) == (True, 6000, 5511)
    assert (status.listen, status.listening) == ("0.0.0.0", False)
    for each in (first, second):
        each.engine.close()


def test_on_tries_again_at_once_after_a_problem(tmp_path, monkeypatch):
    """The port may be free by now, and the next attempt may be 30 s away."""
    noted = tmp_path / "starts"
    report = {"part": "osc", "number": 1, "report": {"problem": "another app uses the port"}}
    script = f"""
import json, os
line = b""
while more := os.read(0, 1):
    line += more
    if more == b"\\n":
        number = json.loads(line)["osc"][0]
        open({str(noted)!r}, "a").write(f"{{number}} ")
        print(json.dumps({report!r} | {{"number": number}}), flush=True)
        line = b""
"""
    monkeypatch.setattr(bridge_process, "_command", lambda _: [sys.executable, "-c", script])
    app = new_app(tmp_path)

    def starts() -> list[str]:
        return noted.read_text().split() if noted.exists() else []

    async def until(holds: Callable[[], object]) -> None:
        async with asyncio.timeout(20):
            while not holds():
                await asyncio.sleep(0.01)

    async def main() -> None:
        app.bridge.begin()
        try:
            await app.hub.ask(messages.Osc(on=True))
            await app.hub.ask(messages.Osc(on=True))
            await until(lambda: app.status().osc.problem)
            status = await app.hub.ask(messages.Osc(on=True))
            assert status.osc.problem == ""
            await until(lambda: app.status().osc.problem)
            assert starts() == ["1", "2"]
        finally:
            await app.hub.ask(messages.Osc(on=False))
            await app.bridge.close()
            await app.saver.flush()

    asyncio.run(main())
    app.engine.close()


def test_on_starts_a_crashed_process_at_once_and_says_why_until_then(tmp_path, monkeypatch):
    noted = tmp_path / "starts"
    script = f"import os; open({str(noted)!r}, 'a').write('x'); os._exit(7)"
    monkeypatch.setattr(bridge_process, "_command", lambda _: [sys.executable, "-c", script])
    monkeypatch.setattr(bridge_process, "FIRST_PAUSE_S", 60.0)
    app = new_app(tmp_path)
    problem = "the process for OSC and head tracking has ended (exit code 7)"

    async def main() -> None:
        app.bridge.begin()
        try:
            await app.hub.ask(messages.Osc(on=True))
            for starts in (1, 2):
                async with asyncio.timeout(20):
                    while app.status().osc.problem != problem:
                        await asyncio.sleep(0.01)
                assert len(noted.read_text()) == starts
                status = await app.hub.ask(messages.Osc(on=True))
                assert status.osc.problem == problem
                await asyncio.sleep(0)
                async with asyncio.timeout(20):
                    while app.status().osc.problem:
                        await asyncio.sleep(0)
        finally:
            await app.hub.ask(messages.Osc(on=False))
            await app.bridge.close()
            await app.saver.flush()

    asyncio.run(main())
    app.engine.close()


def test_reports_are_shown_and_told_and_nonsense_is_not(tmp_path):
    app = new_app(tmp_path)
    told: list[int] = []
    app.osc._changed = lambda: told.append(1)

    async def main() -> None:
        await app.hub.ask(messages.Osc(on=True))
        app.bridge._take("osc", {"listening": True, "packets": 3, "later": 1})
        app.bridge._take("osc", {"listening": True, "packets": 3})
        app.bridge._take("osc", {"packets": "many"})
        assert (app.status().osc.listening, app.status().osc.packets) == (True, 3)
        assert len(told) == 1
        await app.hub.ask(messages.Osc(on=False))
        assert app.status().osc.packets == 0
        await app.saver.flush()

    asyncio.run(main())
    app.engine.close()


@pytest.mark.parametrize("word", sorted(OSC_WORDS - {SPACE_ID}))
def test_a_word_of_osc_names_no_layer(word):
    with pytest.raises(ProtocolError, match=f"^{word}: {word} has another meaning in OSC; give"):
        parse_spec(f"{word}=noise", blocks)


def test_every_word_of_osc_is_kept_free():
    assert {*WORDS, MEASURED, LEVELS, "xmit", "json", "hello", "get", "head"} <= OSC_WORDS


def test_no_shipped_protocol_and_no_block_has_a_word_of_osc():
    found = [library.by_id(each) for each in library.ids()]
    assert len(found) > 30
    for protocol in found:
        layers = (*protocol.layers, *(protocol.without_headphones or ()))
        assert not {layer.id for layer in layers} & OSC_WORDS
    assert not blocks().keys() & OSC_WORDS
