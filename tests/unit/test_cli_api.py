"""`entrain api` teaches the control API; the schema itself is tested with the pages in docs/."""

import json

import pytest
from command_line import entrain

from entrain.platform.folders import user_paths
from entrain.vdevice.api.messages import COMMANDS
from entrain.vdevice.api.schema import json_schema


def test_the_overview_names_the_socket_and_every_command(home):
    shown = entrain("api").stdout

    assert str(user_paths().runtime / "control.sock") in shown
    for command in COMMANDS:
        assert f"\n{command} " in shown
    assert max(map(len, shown.splitlines()[1:])) <= 100  # after the line with the socket's path


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_is_explained_with_its_fields_and_its_answer(command):
    shown = entrain("api", command).stdout
    reference = json_schema()["commands"][command]["request"]["$ref"]
    request = json_schema()["$defs"][reference.rpartition("/")[2]]

    assert shown.startswith(f"{command}: {request['description']}\n")
    for field in request["properties"].keys() - {"command", "client"}:
        assert f"\n  {field}: " in shown
    assert "\nAnswer: " in shown
    assert shown.endswith("\n")
    assert "\n\n\n" not in shown


def test_a_field_says_its_range_and_its_initial_value():
    assert "\n  interval_s: 0.05 … 60 s; left out: 1\n" in entrain("api", "watch").stdout
    assert "\n  minutes: 0 … 1440 minutes or null\n" in entrain("api", "sleep").stdout
    assert "\n  mode: `default`, `manual`, `smart` or null; left out: null\n" in (
        entrain("api", "settings").stdout
    )
    assert (
        "\n  first: whole number from 0 or null; left out: null\n" in entrain("api", "tap").stdout
    )


def test_the_answer_has_the_name_of_its_model():
    assert entrain("api", "set").stdout.endswith("\nAnswer: Status or Values\n")
    assert entrain("api", "devices").stdout.endswith("\nAnswer: list of Device\n")
    assert entrain("api", "stop").stdout.endswith("\nAnswer: null\n")
    assert entrain("api", "head").stdout.endswith("\nAnswer: none, unless it is refused\n")


def test_the_schema_is_printed_as_json():
    assert json.loads(entrain("api", "--schema").stdout) == json_schema()


def test_a_command_that_does_not_exist_is_refused_with_the_commands():
    result = entrain("api", "nonsense")

    assert result.exit_code == 1
    assert result.stderr.startswith("entrain: there is no command 'nonsense'; the commands are ")


def test_a_command_that_is_misspelt_is_refused_with_the_one_that_was_meant():
    assert entrain("api", "statsu").stderr == (
        "entrain: there is no command 'statsu'; did you mean 'status'? `entrain api` lists all\n"
    )
