"""`entrain space` as a person and a shell meet it."""

import json

import pytest
from click.testing import CliRunner
from command_line import entrain

from entrain.tray.commands.cli import cli
from entrain.vdevice.api import messages
from entrain.vdevice.api.messages import Space, SpaceWishes
from entrain.vdevice.protocol.model import Layer

pytestmark = pytest.mark.usefixtures("home")

NOT_RUNNING = "entrain: Entrain is not running; start it with `entrain run`\n"
HEARD = Space(
    mode="speakers",
    setting="speakers",
    hrtf="mine",
    hrtf_in_use="mine",
    head_cm=58.5,
    params={"width_deg": 90, "head_cm": 58.5},
    sources=2,
)


def test_without_a_running_entrain_it_says_what_to_do():
    for arguments in ((), ("speakers",)):
        result = entrain("space", *arguments)
        assert (result.exit_code, result.stdout, result.stderr) == (1, "", NOT_RUNNING)


@pytest.mark.parametrize(
    ("arguments", "wishes"),
    [
        (["off"], SpaceWishes(mode="off")),
        (["speakers"], SpaceWishes(mode="speakers")),
        (["scene", "--head-cm", "60"], SpaceWishes(mode="scene", head_cm=60)),
        (["--head-cm", "48.5"], SpaceWishes(head_cm=48.5)),
    ],
)
def test_a_command_is_one_request(answer, arguments, wishes):
    server = answer(space=HEARD)
    assert entrain("space", *arguments).exit_code == 0
    assert [each.model_copy(update={"client": ""}) for each in server.requests] == [
        messages.Settings(space=wishes)
    ]


@pytest.mark.parametrize("arguments", [["cave"], ["--head-cm", "20"], ["--head-cm", "x"]])
def test_other_words_are_wrong_usage(answer, arguments):
    server = answer(space=HEARD)
    assert entrain("space", *arguments).exit_code == 2
    assert server.requests == []


def test_it_says_how_music_sounds(answer):
    answer(space=HEARD)
    assert entrain("space", "speakers").stdout == "speakers: as from two loudspeakers\n"
    lines = [line.split() for line in entrain("space").stdout.splitlines()]
    assert lines == [
        ["speakers:", "as", "from", "two", "loudspeakers"],
        ["HRTF", "mine"],
        ["head", "58.5", "cm"],
        ["placed", "sounds", "2"],
        ["setting", "space.width_deg", "90"],
        ["setting", "space.head_cm", "58.5"],
    ]
    assert json.loads(entrain("space", "--json").stdout) == json.loads(HEARD.model_dump_json())


def test_a_setting_that_is_not_heard_is_explained(answer):
    answer(space=Space(setting="scene", note="X has its own space"))
    assert entrain("space", "scene").stdout.splitlines() == [
        "off: in the head, as headphones play it",
        "your setting is scene",
        "X has its own space",
    ]


def test_the_whole_status_shows_a_space(answer):
    answer(space=HEARD)
    assert ["space", "speakers,", "HRTF", "mine"] in [
        line.split() for line in entrain("status").stdout.splitlines()
    ]


def test_without_a_space_the_whole_status_leaves_it_out(answer):
    answer(space=Space())
    assert "HRTF" not in entrain("status").stdout


@pytest.mark.parametrize(
    ("words", "offered"),
    [
        ("entrain sp", ["space"]),
        ("entrain space ", ["off", "speakers", "scene"]),
        ("entrain space s", ["speakers", "scene"]),
        ("entrain set space.w", ["space.width_deg"]),
        ("entrain set rain.az", ["rain.azimuth_deg"]),
        ("entrain render --space s", ["speakers", "scene"]),
    ],
)
def test_the_shell_completes_it(answer, words, offered):
    rain = Layer.model_validate({"kind": "noise", "id": "rain", "place": {}})
    running = messages.ActiveProtocol(id="x", name="X", elapsed_s=1, layers=[rain])
    answer(space=HEARD, protocol=running)
    environment = {
        "_ENTRAIN_COMPLETE": "bash_complete",
        "COMP_WORDS": words,
        "COMP_CWORD": str(len(words.split(" ")) - 1),
    }
    result = CliRunner().invoke(cli, prog_name="entrain", env=environment)

    assert [line.split(",")[1] for line in result.stdout.splitlines()] == offered
