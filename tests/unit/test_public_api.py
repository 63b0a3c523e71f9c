"""`import entrain` keeps its promises: names, types, documentation, and a light import."""

import ast
import asyncio
import json
import re
import socket
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile

import entrain
from entrain.vdevice.api import messages
from entrain.vdevice.protocol.document import parse_protocol
from entrain.vdevice.protocol.model import Layer as Unchecked

ROOT = Path(__file__).parents[2]
STUB = Path(entrain.__file__).with_suffix(".pyi")
PAGE = (ROOT / "docs/api.md").read_text(encoding="utf-8")
PROMISED = sorted(entrain.__all__)


def loaded_after(statement: str) -> set[str]:
    """Return the modules that a new Python has loaded after a statement."""
    code = f"import sys; before = set(sys.modules)\n{statement}\nprint(*set(sys.modules) - before)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


@pytest.mark.parametrize("name", PROMISED)
def test_each_promised_name_is_there_and_describes_itself(name):
    assert getattr(entrain, name).__doc__
    assert name in dir(entrain)


def test_a_name_that_is_not_promised_is_not_there():
    with pytest.raises(AttributeError, match="'entrain' has no attribute 'nonsense'"):
        entrain.nonsense  # noqa: B018


def test_the_documentation_lists_exactly_the_promised_names():
    assert re.findall(r"^\| `(\w+)` \|", PAGE, re.MULTILINE) == PROMISED


def test_the_types_are_for_exactly_the_promised_names():
    """Each name comes from the same module in the stub as at run time."""
    tree = ast.parse(STUB.read_text(encoding="utf-8"))
    homes = {
        alias.name: node.module
        for node in tree.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    assert {"__version__", *homes} == set(PROMISED)
    assert homes == entrain._HOMES
    (listed,) = (node.value for node in tree.body if isinstance(node, ast.Assign))
    assert sorted(ast.literal_eval(listed)) == PROMISED


def test_the_import_loads_no_other_module():
    loaded = {name for name in loaded_after("import entrain") if not name.startswith("importlib")}
    assert loaded <= {"entrain", "warnings"}


@pytest.mark.parametrize("name", ["Client", "AsyncClient"])
def test_a_client_loads_neither_models_nor_arrays(name):
    """As measured, pydantic and the models take 14 MB and a fifth of a second."""
    heavy = {"pydantic", "pydantic_core", "numpy", "cffi", "entrain.vdevice.api.messages"}
    assert not loaded_after(f"from entrain import {name}") & heavy


# ---- clients -------------------------------------------------------------------------------------

MEASURED = messages.Measured(
    text="10 Hz",
    tones=messages.Tones(
        left_hz=205, right_hz=195, left_db=-45, right_db=-45, beat_hz=10, beat_error_hz=0.001
    ),
)


@pytest.fixture
def path(tmp_path):
    tmp_path.chmod(0o700)
    return tmp_path / "control.sock"


def test_a_status_has_attributes(path, serve, idle):
    serve(path, lambda request: idle.model_copy(update={"measured": MEASURED}))

    with entrain.Client(path) as client:
        measured = client.status().measured

    assert measured.tones.beat_hz == 10


def test_a_client_can_command_while_it_is_watching(path, serve, idle):
    said = []

    def respond(request):
        said.extend([request.command] * (request.command == "bypass"))
        return idle.model_copy(update={"bypass": bool(said)})

    serve(path, respond)

    with entrain.Client(path) as client, client.watching(interval_s=0.05) as states:
        assert not next(states).bypass
        client.ask("bypass", on=True)
        assert any(state.bypass for state in states)


def test_a_client_can_command_while_it_is_watching_parts(path, serve, idle):
    bypassed = []

    def respond(request):
        bypassed.extend([True] * (request.command == "bypass"))
        return idle.model_copy(update={"bypass": bool(bypassed)})

    serve(path, respond)

    with entrain.Client(path) as client, client.watching_parts(["bypass"], 0.05, "me") as news:
        assert next(news) == ({"bypass": False}, [])
        client.ask("bypass", on=True, client="me")
        assert next(news) == ({"bypass": True}, ["me"])


@pytest.mark.parametrize("name", ["Client", "AsyncClient"])
def test_the_documentation_names_all_methods_of_the_clients(name):
    listed = re.findall(rf"^`{name}` has (.*)$", PAGE, re.MULTILINE)
    public = [each for each in vars(getattr(entrain, name)) if not each.startswith("_")]
    assert sorted(re.findall(r"`(\w+)`", " ".join(listed))) == sorted(public)


def test_a_status_of_another_version_is_refused_in_one_line(path, serve, idle, monkeypatch):
    serve(path)
    with entrain.Client(path) as client:
        answer = client.ask("status") | {"from_the_future": 1}
        monkeypatch.setattr(client, "ask", lambda _: answer)
        with pytest.raises(entrain.ClientError, match=r"^the running Entrain has another version"):
            client.status()


def test_an_asynchronous_client_does_the_same(path, serve, idle):
    requests = []

    def respond(request):
        requests.append(request)
        return messages.Values(values=request.values) if request.command == "set" else idle

    serve(path, respond)

    async def main():
        async with entrain.AsyncClient(path) as client:
            assert (await client.ask("bypass", on=True))["state"] == "idle"
            assert await client.set_values({"tone.beat_hz": 4}, 1) == {
                "values": {"tone.beat_hz": 4.0}
            }
            assert (await client.status()).state == "idle"
            async with client.watching(interval_s=0.05) as states:
                assert (await anext(states)).state == "idle"
                assert (await anext(states)).state == "idle"
                await client.ask("on")
            async with client.watching_parts(["bypass", "state"], 0.05, "test") as news:
                assert await anext(news) == ({"bypass": False, "state": "idle"}, [])
            with pytest.raises(entrain.ClientError, match="on = 'yes'"):
                await client.ask("bypass", on="yes")
            for command in ("watch", "tap", "head"):
                with pytest.raises(entrain.ClientError, match="cannot send"):
                    await client.ask(command)

    asyncio.run(main())
    assert next(each for each in requests if each.command == "set").over_s == 1


def test_an_asynchronous_client_comes_back_after_a_restart(path, serve):
    first = serve(path)

    async def main():
        client = entrain.AsyncClient(path)
        await client.ask("status")
        await asyncio.to_thread(first.close)
        with pytest.raises(entrain.EntrainError):
            await client.ask("status")
        await asyncio.to_thread(serve, path)
        assert (await client.ask("status"))["state"] == "idle"
        client.close()

    asyncio.run(main())


def test_an_asynchronous_client_keeps_few_lines_that_nobody_takes_and_loses_none(path):
    """A server on the same loop sends until the client has read nothing for 200 turns."""

    def lines(first):
        news = ({"ok": True, "result": {"number": n}, "caused_by": []} for n in range(first, 3_000))
        return b"".join(json.dumps(each).encode() + b" " * 8_000 + b"\n" for each in news)

    async def fill(server, unsent):
        idle_turns = 0
        while unsent and idle_turns < 200:
            try:
                del unsent[: server.send(unsent[:65_536])]
                idle_turns = 0
            except BlockingIOError:
                idle_turns += 1
                await asyncio.sleep(0)

    async def main(listener):
        client = entrain.AsyncClient(path)
        unsent = bytearray(lines(0))
        size = len(unsent)
        async with client.watching_parts(["state"], 0.05) as news:
            server, _ = listener.accept()
            with server:
                server.setblocking(False)
                await fill(server, unsent)
                assert size - len(unsent) < 4 << 20
                for number in range(2_000):
                    if number % 10 == 0:  # fewer than are kept
                        await fill(server, unsent)
                    assert (await anext(news)).parts == {"number": number}

    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen()
        asyncio.run(main(listener))


def test_a_watch_that_is_refused_says_why(path, serve):
    serve(path)

    async def main():
        async with entrain.AsyncClient(path) as client, client.watching(interval_s=1e9) as states:
            with pytest.raises(entrain.ClientError, match="interval_s"):
                await anext(states)

    with (
        entrain.Client(path) as client,
        client.watching(interval_s=1e9) as states,
        pytest.raises(entrain.ClientError, match="interval_s"),
    ):
        next(states)
    asyncio.run(main())


@pytest.mark.parametrize(
    ("command", "fields", "method"),
    [
        ("watch", {}, r"watching\(\)"),
        ("tap", {"interval_s": 0.1}, r"follow_samples\(\)"),
        ("head", {"w": 1, "x": 0, "y": 0, "z": 0}, r"turn_head\(\)"),
    ],
)
def test_ask_refuses_what_has_not_one_answer_and_names_the_method(
    path, serve, command, fields, method
):
    server = serve(path)
    with entrain.Client(path) as client:
        with pytest.raises(
            entrain.ClientError, match=f"^ask.. cannot send {command!r}.* {method}$"
        ):
            client.ask(command, **fields)
        assert client.ask("status")["state"] == "idle"
    assert [each.command for each in server.requests] == ["status"]


def test_the_head_turns_and_a_pose_that_is_none_is_not_sent(path, serve):
    server = serve(path)

    async def turn():
        async with entrain.AsyncClient(path) as client:
            await client.turn_head(1, 0, 0, 0)
            with pytest.raises(entrain.ClientError, match="not a rotation"):
                await client.turn_head(0, 0, 0, 0)
            await client.ask("status")

    with entrain.Client(path) as client:
        client.turn_head(0.5, 0.5, -0.5, 0.5)
        for numbers in ((0, 0, 0, 0), (float("nan"), 0, 0, 0), (1e200, 0, 0, 0), ("1", 0, 0, 0)):
            with pytest.raises(entrain.ClientError, match=r"^w, x, y and z are not a rotation$"):
                client.turn_head(*numbers)
        assert client.ask("status")["state"] == "idle"
    asyncio.run(turn())
    assert [each for each in server.requests if each.command == "head"] == [
        messages.TurnHead(w=0.5, x=0.5, y=-0.5, z=0.5),
        messages.TurnHead(w=1, x=0, y=0, z=0),
    ]


def test_who_turns_the_head_learns_that_entrain_has_ended(path, serve):
    server = serve(path)
    with entrain.Client(path) as client:
        client.turn_head(1, 0, 0, 0)
        server.close()

        def turn_on():
            for _ in range(100_000):  # the kernel may still take a few
                client.turn_head(1, 0, 0, 0)

        with pytest.raises(entrain.ClientError, match="Entrain has ended"):
            turn_on()


def test_poses_that_come_too_fast_wait_instead_of_filling_the_memory(path):
    async def flood():
        async with entrain.AsyncClient(path) as client:
            for _ in range(100_000):  # 9 MB
                await client.turn_head(1, 0, 0, 0)

    async def blocks():
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(flood(), 3)

    with socket.socket(socket.AF_UNIX) as deaf:
        deaf.bind(str(path))
        deaf.listen()
        asyncio.run(blocks())


def test_a_protocol_is_used_as_an_object_an_id_or_a_spec(path, serve):
    server = serve(path)
    layer = entrain.Layer(kind="am", params={"rate_hz": 16.0, "depth": 0.5})
    made = entrain.Protocol(id="mine", name="Mine", layers=(layer,))

    async def use():
        async with entrain.AsyncClient(path, name="me") as client:
            assert (await client.use(made, here=True))["state"] == "idle"
            await client.ask("use", protocol=made)

    with entrain.Client(path, name="me") as client:
        assert client.use(made)["state"] == "idle"
        client.ask("use", protocol=made)
        client.use("am:rate_hz=16", ["noise"], standalone=True)
        with pytest.raises(
            entrain.ClientError, match=r"^cannot send 'use': a PosixPath has no JSON form"
        ):
            client.use(Path("mine.json"))
    asyncio.run(use())
    assert server.requests == [
        messages.Use(protocol=made, client="me"),
        messages.Use(protocol=made, client="me"),
        messages.Use(protocol="am:rate_hz=16", layers=("noise",), standalone=True, client="me"),
        messages.Use(protocol=made, here=True, client="me"),
        messages.Use(protocol=made, client="me"),
    ]


# ---- sound files ---------------------------------------------------------------------------------


@pytest.fixture
def music(tmp_path):
    noise = np.random.default_rng(1).uniform(-0.1, 0.1, (48_000 * 4, 2))
    soundfile.write(tmp_path / "music.wav", noise, 48_000)
    return tmp_path / "music.wav"


def test_a_file_is_rendered_with_a_protocol_a_spec_or_an_id(music, tmp_path, home):
    out = tmp_path / "out.wav"
    layer = entrain.Layer(kind="am", params={"rate_hz": 16.0, "depth": 0.5})
    made = entrain.Protocol(id="mine", name="Mine", layers=(layer,))
    heard = []

    for protocol in (made, "am:rate_hz=16,depth=0.5"):
        assert entrain.render(music, str(out), protocol).seconds == 4
        heard.append(soundfile.read(out)[0])
    entrain.render(music, out, "focus-16")

    np.testing.assert_array_equal(heard[0], heard[1])


def test_a_protocol_that_is_not_there_is_refused(music, tmp_path, home):
    with pytest.raises(entrain.EntrainError, match="there is no protocol 'nonsense'"):
        entrain.render(music, tmp_path / "out.wav", "nonsense")
    assert not (tmp_path / "out.wav").exists()


@pytest.mark.parametrize(
    ("build", "error"),
    [
        (lambda: entrain.Layer(kind="coffee"), "Layer: there is no layer kind 'coffee'; choose"),
        (lambda: entrain.Layer(kind="Am"), "Layer: kind = 'Am' is not a name of a-z, 0-9, - and _"),
        (
            lambda: entrain.Layer(kind="am", id="level"),
            "Layer: level has another meaning in OSC; give this layer another id, such as my-level",
        ),
        (
            lambda: entrain.Layer(kind="am", params={"depth": 9.0}),
            r"Layer\.params\.depth = 9 is outside 0 … 1",
        ),
        (
            lambda: entrain.Layer(kind="am", params={"dept": 0.5}),
            r"params\.dept is not a parameter;",
        ),
        (lambda: entrain.Layer(), "Layer: kind is missing$"),
        (
            lambda: entrain.Protocol(name="x"),
            "Protocol: id is missing; Protocol: layers is missing$",
        ),
        (
            lambda: entrain.Protocol(id="x", name="X", layers=(), loop=True),
            "Protocol: a loop needs duration_s$",
        ),
        (
            lambda: entrain.Protocol(id="x", name="X", layers=(Unchecked(kind="tea"),)),
            r"Protocol: layers\[0\]: there is no layer kind 'tea'",
        ),
    ],
)
def test_what_is_not_possible_is_refused_in_one_line_when_it_is_built(build, error):
    with pytest.raises(entrain.ProtocolError, match=error) as refused:
        build()
    assert "\n" not in str(refused.value)
    assert isinstance(refused.value, entrain.EntrainError)


def test_json_brings_the_same_protocol_back():
    """Strict models take a list for a tuple in JSON only, so reading must not build in between."""
    layer = entrain.Layer(kind="am", params={"rate_hz": 16.0, "depth": 0.5})
    made = entrain.Protocol(id="mine", name="Mine", layers=(layer,))

    read = entrain.Protocol.model_validate_json(made.model_dump_json())

    assert read == made
    assert made == read
    assert read != made.model_copy(update={"name": "Other"})
    assert made == parse_protocol(made.model_dump_json().encode(), "here")
    assert hash(entrain.Protocol(id="x", name="X", layers=())) == hash(
        entrain.Protocol(id="x", name="X", layers=())
    )


def test_a_rate_that_cannot_be_verified_is_refused(music):
    for options in ({"rate_hz": 0.1}, {"rate_hz": float("nan")}, {"start_s": -1.0}):
        with pytest.raises(entrain.EntrainError, match="is outside"):
            entrain.verify(music, **options)
    assert json.loads(entrain.verify(music).model_dump_json())["seconds"] == 4
