"""`entrain hrtf` as a person meets it, the setting in the running app, and the comparison."""

import asyncio
import json
from pathlib import Path

import made_up_head
import pytest
import sofa_files
from command_line import entrain

from entrain.engine import blocks
from entrain.errors import EntrainError
from entrain.head import Head
from entrain.platform.null import NullAdapter
from entrain.vdevice.api import messages
from entrain.vdevice.app import App
from entrain.vdevice.hrtf import process, sets
from entrain.vdevice.options import RunOptions
from entrain.vdevice.protocol.library import Library
from entrain.vdevice.session.session_log import SessionLog
from entrain.vdevice.storage.store import Store

pytestmark = pytest.mark.usefixtures("cache_of_its_own")


@pytest.fixture
def made_up(tmp_path) -> Path:
    return sofa_files.write(sofa_files.usual(), tmp_path / "ears.sofa")


@pytest.fixture
def running(home, serve, idle):
    """An Entrain that remembers which head it was given."""
    given = ["kemar"]

    def respond(request):
        if request.command == "settings":
            given.append(request.hrtf)
        return idle.model_copy(update={"hrtf": given[-1]})

    serve(home / "entrain" / "control.sock", respond)
    return given


@pytest.fixture
def quick(monkeypatch):
    """Prepare nothing; the preparation has tests of its own."""
    monkeypatch.setattr(process, "prepared", lambda card, variant=None: sets.head_path(card))


# ---- list and info -----------------------------------------------------------------------------


def test_the_list_marks_the_head_in_use(running):
    shown = entrain("hrtf", "list").output.splitlines()
    assert shown[0].startswith("→ kemar")
    assert shown[1].startswith("  sphere")


def test_the_list_needs_no_running_entrain(home):
    found = json.loads(entrain("hrtf", "list", "--json").output)
    assert [card["id"] for card in found] == ["kemar", "sphere"]
    assert not any(card["current"] for card in found)


def test_info_describes_a_file(made_up):
    shown = entrain("hrtf", "info", str(made_up)).output
    assert "directions    97, from -30° to 90°" in shown
    assert "licence       CC0" in shown
    found = json.loads(entrain("hrtf", "info", str(made_up), "--json").output)
    assert 450 < found["longest_itd_us"] < 750
    assert 40 < found["head_cm"] < 65


def test_info_describes_a_built_in_head(home):
    shown = entrain("hrtf", "info", "kemar").output
    assert "MIT KEMAR, normal pinnae" in shown
    assert "provided the authors are cited" in " ".join(shown.split())


def test_info_draws_a_picture(made_up, tmp_path):
    picture = tmp_path / "ears.png"
    result = entrain("hrtf", "info", str(made_up), "--plot", str(picture))
    assert result.exit_code == 0
    assert picture.read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize("name", ["song.txt", "ears.sofa", "no-picture.wav"])
def test_no_other_file_is_replaced_by_a_picture(name, made_up, tmp_path):
    (tmp_path / "song.txt").write_text("words")
    before = (tmp_path / name).read_bytes() if (tmp_path / name).exists() else None
    result = entrain("hrtf", "info", str(made_up), "--plot", str(tmp_path / name))
    assert result.exit_code == 1
    assert len(result.output.splitlines()) == 1
    assert ((tmp_path / name).read_bytes() if before is not None else None) == before


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("absent", "there is no HRTF 'absent'; choose from kemar, sphere, or name a SOFA file"),
        ("./absent.sofa", "absent.sofa cannot be read: No such file or directory"),
    ],
)
@pytest.mark.parametrize("command", ["info", "use"])
def test_a_head_that_does_not_exist_is_one_line(command, source, reason, running):
    result = entrain("hrtf", command, source)
    assert result.exit_code == 1
    assert result.output == f"entrain: {reason}\n"
    assert running == ["kemar"]


# ---- use ---------------------------------------------------------------------------------------


def test_a_file_is_prepared_and_used(made_up, running):
    result = entrain("hrtf", "use", str(made_up))
    assert result.exit_code == 0
    assert result.output.splitlines()[0] == "ears: made up, 97 directions"
    assert running == ["kemar", "ears"]
    assert sets.head_path(sets.find("ears")).exists()


def test_a_built_in_head_is_used_by_its_id(running, quick):
    assert entrain("hrtf", "use", "sphere").exit_code == 0
    assert running == ["kemar", "sphere"]


def test_without_a_running_entrain_nothing_is_prepared(home, made_up):
    result = entrain("hrtf", "use", str(made_up))
    assert result.exit_code == 1
    assert "not running" in result.output
    assert not sets.heads_folder().exists()


@pytest.mark.parametrize("form", ["three-ears", "brir"])
def test_a_file_that_cannot_be_used_leaves_the_head_in_use(form, tmp_path, running):
    path = sofa_files.write(sofa_files.REFUSED[form][0](), tmp_path / "odd.sofa")
    result = entrain("hrtf", "use", str(path))
    assert result.exit_code == 1
    assert sofa_files.REFUSED[form][1] in result.output
    assert len(result.output.splitlines()) == 1
    assert running == ["kemar"]


# ---- the running app ---------------------------------------------------------------------------


def test_front_ends_can_list_the_heads(tmp_path, home):
    sets.add(tmp_path / "my ears.sofa", "0" * 64, "My ears", 440, "", [])
    app = new_app(tmp_path)

    answer = asyncio.run(asked(app, messages.ListHeads()))

    listed = [(each.id, each.title, each.built_in) for each in answer.heads]
    assert listed == [
        *((name, title, True) for name, title in sets.BUILT_IN.items()),
        ("my-ears", "My ears", False),
    ]
    app.engine.close()


def new_app(folder: Path) -> App:
    return App(
        RunOptions(backend="null"),
        NullAdapter(),
        Store(folder / "state.json"),
        SessionLog(None),
        Library(folder / "protocols", blocks),
        sandbox={},
    )


async def asked(app: App, request: messages.Request):
    try:
        return await app.hub.ask(request)
    finally:
        await app.saver.flush()


def test_the_head_is_kept_over_a_restart(tmp_path, quick):
    app = new_app(tmp_path)
    assert app.status().hrtf == "kemar"
    assert asyncio.run(asked(app, messages.Settings(hrtf="sphere"))).hrtf == "sphere"
    app.engine.close()

    again = new_app(tmp_path)
    assert again.status().hrtf == "sphere"
    again.engine.close()


def test_a_head_that_cannot_be_used_is_refused_and_not_kept(tmp_path):
    app = new_app(tmp_path)
    with pytest.raises(EntrainError, match="there is no HRTF 'absent'"):
        asyncio.run(asked(app, messages.Settings(hrtf="absent")))
    assert app.status().hrtf == "kemar"
    app.engine.close()


def test_the_engine_gets_the_file_of_the_head_once_a_space_has_needed_one(
    tmp_path, quick, monkeypatch
):
    app = new_app(tmp_path)
    read: list[Path] = []

    def from_file(path: Path) -> Head:
        read.append(path)
        return made_up_head.made_up().head()

    monkeypatch.setattr(Head, "from_file", from_file)

    asyncio.run(asked(app, messages.Settings(hrtf="sphere")))
    assert read == []
    asyncio.run(app.heads.use("kemar"))
    asyncio.run(asked(app, messages.Settings(hrtf="sphere")))

    assert read == [sets.head_path(sets.find(name)) for name in ("kemar", "sphere")]
    assert app.heads.in_use == "sphere"
    app.engine.close()


@pytest.mark.parametrize(
    ("facts", "title"),
    [
        ({"Title": "My ears"}, "My ears"),
        ({"Title": "HRTF", "DatabaseName": "ARI", "ListenerShortName": "NH2"}, "ARI NH2"),
        ({"Title": "HRTF"}, "ears"),
        ({}, "ears"),
    ],
)
def test_a_head_is_called_by_what_tells_it_from_others(tmp_path, facts, title):
    found = sofa_files.usual()
    found.attributes = {"Title": "", "DatabaseName": "", "ListenerShortName": ""} | facts
    assert process.added(sofa_files.write(found, tmp_path / "ears.sofa")).title == title
