"""The preparation's process: nothing that happens to it, or that a file does, reaches the app."""

import asyncio
import os
import subprocess
import sys
from pathlib import Path

import pytest
import sofa_files

from entrain.engine import Engine
from entrain.vdevice.hrtf import head_file, process, sets
from entrain.vdevice.hrtf.errors import HrtfError
from entrain.vdevice.hrtf.head_keeper import HeadKeeper
from entrain.vdevice.hrtf.sets import Card, Variant

pytestmark = pytest.mark.usefixtures("cache_of_its_own")


@pytest.fixture
def made_up(tmp_path) -> Path:
    return sofa_files.write(sofa_files.usual(), tmp_path / "My Ears (left).sofa")


@pytest.fixture
def hostile(monkeypatch):
    """Run another program in place of the preparation."""

    def go_wrong(fault: str) -> None:
        monkeypatch.setattr(process, "_WORKER", "hostile_worker")
        monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parent))
        monkeypatch.setenv("ENTRAIN_TEST_FAULT", fault)

    return go_wrong


def test_a_file_becomes_a_head_with_a_card(made_up):
    card = process.added(made_up)

    assert (card.id, card.title, card.licence) == ("my-ears-left", "made up", "CC0")
    assert card.directions == 97
    assert Path(card.source) == made_up
    counts = head_file.check(sets.head_path(card))
    assert (counts.taps, counts.azimuths, counts.elevations) == (256, 72, 37)
    assert sets.find("my-ears-left") == card
    assert [each.id for each in sets.cards()] == ["kemar", "sphere", "my-ears-left"]


def test_the_same_file_is_prepared_once(made_up, hostile):
    card = process.added(made_up)
    hostile("fails")
    copied = made_up.with_name("copy.sofa")
    copied.write_bytes(made_up.read_bytes())

    assert process.added(copied).id == card.id
    assert process.prepared(card) == sets.head_path(card)


def test_a_head_that_is_missing_or_damaged_in_the_cache_is_prepared_anew(made_up):
    card = process.added(made_up)
    path = sets.head_path(card)
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])

    assert process.prepared(card).read_bytes() == whole


def test_a_file_that_has_changed_is_not_taken_for_the_former_one(made_up):
    card = process.added(made_up)
    sets.head_path(card).unlink()
    made_up.write_bytes(made_up.read_bytes() + b"\0")
    with pytest.raises(HrtfError, match=r"has changed; `entrain hrtf use` with this file"):
        process.prepared(card)


def test_two_files_of_one_name_have_two_ids(made_up, tmp_path):
    other = tmp_path / "other"
    other.mkdir()
    second = sofa_files.write(sofa_files.swapped_ears(), other / made_up.name)
    ids = [process.added(each).id for each in (made_up, second)]
    assert ids == ["my-ears-left", "my-ears-left-2"]
    assert sets.find(ids[1]).notes == ("the first receiver is the right ear",)


def test_128_taps_and_the_measured_colour_are_heads_of_their_own(made_up):
    card = process.added(made_up, Variant(taps=128, equalised=False))
    path = process.prepared(card, Variant(taps=128, equalised=False))
    assert head_file.check(path).taps == 128
    assert path.name.endswith("-128-measured.head")
    assert not sets.head_path(card).exists()


def test_the_built_in_heads_are_prepared_at_first_use():
    for name in sets.BUILT_IN:
        assert head_file.check(process.prepared(sets.find(name))).taps == 256


def test_only_the_heads_used_last_are_kept(made_up, monkeypatch):
    monkeypatch.setattr(sets, "KEPT_HEADS", 2)
    card = process.added(made_up)
    for taps in (64, 96, 128):
        process.prepared(card, Variant(taps=taps))
    assert {path.name.split("-")[2] for path in sets.heads_folder().iterdir()} == {
        "96.head",
        "128.head",
    }


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        ("killed", "the process that reads it was ended by SIGKILL"),
        ("crash", "the process that reads it was ended by SIGSEGV"),
        ("fails", "the process that reads it failed with status 1"),
        ("garbage", "the process that reads it gave no answer"),
        ("chatter", "the process that reads it"),
        ("memory", "the process that reads it failed with status 1"),
        ("busy", "the process that reads it took too long"),
        ("hangs", "reading it took more than 1 s"),
        ("nothing-written", "No such file"),
    ],
)
def test_a_preparation_that_goes_wrong_is_one_clear_line(
    fault, reason, made_up, hostile, monkeypatch
):
    hostile(fault)
    if fault == "hangs":
        monkeypatch.setattr(process, "TIMEOUT_S", 1.0)
    odd_name = made_up.rename(made_up.with_name("my\nears.sofa"))

    with pytest.raises(HrtfError) as refused:
        process.added(odd_name)

    assert reason in str(refused.value)
    assert str(refused.value).isprintable()
    assert [card.id for card in sets.cards()] == ["kemar", "sphere"]


@pytest.mark.parametrize("content", [b"", b"\x89HDF\r\n\x1a\n" + bytes(500), b"RIFF"])
def test_a_broken_file_changes_nothing(content, tmp_path):
    path = tmp_path / "broken.sofa"
    path.write_bytes(content)
    with pytest.raises(HrtfError, match=r"^broken\.sofa "):
        process.added(path)
    assert not sets.heads_folder().exists()
    assert len(sets.cards()) == 2


def test_a_head_that_cannot_be_used_leaves_the_former_one(made_up, hostile):
    engine = Engine()
    keeper = HeadKeeper(engine)

    async def choose() -> None:
        assert await keeper.bring("kemar") == ""
        hostile("killed")
        with pytest.raises(HrtfError, match="SIGKILL"):
            await keeper.use("sphere")
        with pytest.raises(HrtfError, match="there is no HRTF 'absent'; choose from kemar, sphere"):
            await keeper.use("absent")

    asyncio.run(choose())
    keeper.close()
    assert keeper.in_use == "kemar"
    engine.close()


def test_without_the_stored_head_the_built_in_one_is_used(made_up):
    card = process.added(made_up)
    sets.head_path(card).unlink()
    made_up.unlink()
    engine = Engine()
    keeper = HeadKeeper(engine)

    problem = asyncio.run(keeper.bring(card.id))

    assert problem.startswith("HRTF my-ears-left: My Ears (left).sofa cannot be read: No such")
    assert keeper.in_use == "kemar"
    engine.close()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{}",
        '{"id": "x", "title": 3}',
        '{"id": "x", "title": "t", "sha256": "../../etc"}',
        '{"id": "x", "title": "t", "sha256": "' + "a" * 64 + '", "more": 1}',
        '{"id": "x", "title": "t", "sha256": "' + "a" * 64 + '", "notes": 5}',
        "[" * 100_000,
    ],
)
def test_a_damaged_card_is_left_out(text):
    sets.cards_folder().mkdir(parents=True)
    (sets.cards_folder() / "x.json").write_text(text)
    assert [card.id for card in sets.cards()] == ["kemar", "sphere"]
    with pytest.raises(HrtfError, match="there is no HRTF 'x'"):
        sets.find("x")


def test_a_file_that_changes_while_it_is_read_becomes_no_head(made_up, monkeypatch):
    """Otherwise the cache would hold another file's head under the hash of this one."""
    prepare = process._prepare

    def swapped(*arguments: object) -> object:
        answer = prepare(*arguments)
        made_up.write_bytes(made_up.read_bytes() + b"\0")
        return answer

    monkeypatch.setattr(process, "_prepare", swapped)
    with pytest.raises(HrtfError, match="has changed while it was read; try again"):
        process.added(made_up)
    assert not list(sets.heads_folder().iterdir())
    assert len(sets.cards()) == 2


def test_a_huge_file_is_refused_without_hashing_it(tmp_path):
    path = tmp_path / "huge.sofa"
    with path.open("wb") as file:
        file.truncate(300 << 20)
    with pytest.raises(HrtfError, match=r"has 300 MB; Entrain reads SOFA files up to 256 MB"):
        sets.hash_of(path)


def test_a_file_name_may_have_any_bytes(made_up):
    odd = made_up.rename(made_up.parent / os.fsdecode(b"\xffmine\n\x1b.sofa"))
    card = process.added(odd)
    sets.head_path(card).unlink()
    assert sets.find(card.id) == card
    assert process.prepared(card).exists()


@pytest.mark.parametrize("source", ["a\0b", "\ud800", "", "a\nb"])
def test_a_card_that_names_no_file_is_one_clear_line(source):
    card = Card("mine", "Mine", source=source, sha256="0" * 64)
    with pytest.raises(HrtfError) as refused:
        process.prepared(card)
    assert str(refused.value).isprintable()


def test_files_in_the_current_folder_are_not_run(made_up, tmp_path, monkeypatch):
    """A folder of downloads may hold anything."""
    for name in ("argparse", "numpy", "netCDF4", "platform"):
        (tmp_path / f"{name}.py").write_text("raise SystemExit(3)")
    monkeypatch.chdir(tmp_path)
    assert process.examine(made_up)["directions"] == 97


def test_a_pipe_in_the_cache_is_not_waited_for(made_up):
    card = process.added(made_up)
    path = sets.head_path(card)
    path.unlink()
    os.mkfifo(path)  # on the thread that reads heads, a wait for a writer would never end
    code = f"""
from pathlib import Path
from entrain.vdevice.hrtf import process
assert not process._is_whole(Path({str(path)!r}))
"""
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


def test_what_cannot_be_removed_from_the_cache_does_not_keep_the_others(made_up, monkeypatch):
    monkeypatch.setattr(sets, "KEPT_HEADS", 1)
    folder = sets.heads_folder() / "0-1-256.head"
    folder.mkdir(parents=True)
    os.utime(folder, (0, 0))
    card = process.added(made_up)
    process.prepared(card, Variant(taps=64))
    remaining = {path.name for path in sets.heads_folder().iterdir()}
    assert remaining == {folder.name, sets.head_path(card, Variant(taps=64)).name}


def test_the_app_needs_neither_numpy_nor_netcdf():
    code = """
import sys
import entrain.vdevice.hrtf.head_keeper, entrain.vdevice.hrtf.comparison
heavy = {"numpy", "netCDF4", "pysofaconventions"} & set(sys.modules)
sys.exit(f"loaded: {heavy}" if heavy else 0)
"""
    subprocess.run([sys.executable, "-c", code], check=True)
