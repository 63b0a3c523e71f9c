"""`entrain undo` and `entrain redo` as a person meets them."""

import pytest
from command_line import entrain


@pytest.mark.parametrize(
    ("command", "field", "words"),
    [("undo", "redo_text", "Taken back"), ("redo", "undo_text", "Done again")],
)
def test_undo_answers_with_what_was_undone(home, serve, idle, command, field, words):
    status = idle.model_copy(update={field: "Beat of tone: 10 Hz → 6.5 Hz"})
    server = serve(home / "entrain" / "control.sock", lambda request: status)

    told, heard = entrain(command).stdout.splitlines()
    assert told == f"{words}: Beat of tone: 10 Hz → 6.5 Hz"
    assert heard.startswith(idle.state)
    assert [each.command for each in server.requests] == [command]
