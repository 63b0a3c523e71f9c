"""`entrain status` and `entrain sleep` as a person meets them."""

import pytest
from command_line import entrain

from entrain.tray.text import status_text
from entrain.vdevice.api import messages
from entrain.vdevice.protocol.model import Layer


def test_the_status_says_where_a_placed_layer_is_and_what_the_output_is(home, serve, idle):
    rain = Layer.model_validate(
        {"kind": "noise", "id": "rain", "place": {"azimuth_deg": 90, "path": "orbit"}}
    )
    protocol = messages.ActiveProtocol(id="x", name="X", elapsed_s=1, layers=[rain])
    output = messages.Output(name="a", description="A", rate_hz=0, quantum_frames=0)
    status = idle.model_copy(update={"protocol": protocol, "output": output})
    serve(home / "entrain" / "control.sock", lambda request: status)

    told = entrain("status").stdout
    assert (
        "rain (noise): azimuth_deg 90, elevation_deg 0, distance_m 1, path orbit, path_hz 0.05, "
        "path_deg 90\n"
    ) in told
    assert "a device of unknown kind, which Entrain takes for headphones" in told


@pytest.mark.parametrize(
    ("left_s", "told"), [(None, "the sleep timer is off\n"), (90, "off in 1:30\n")]
)
def test_sleep_alone_shows_the_time_left(home, serve, idle, left_s, told):
    status = idle.model_copy(update={"sleep_left_s": left_s})
    server = serve(home / "entrain" / "control.sock", lambda request: status)
    assert entrain("sleep").stdout == told
    assert [each.command for each in server.requests] == ["status"]


def test_on_that_cannot_work_says_why_and_fails(home, serve, idle):
    status = idle.model_copy(update={"state": "failed", "reason": "no sound server answers"})
    serve(home / "entrain" / "control.sock", lambda request: status)
    for command, code in ((["on"], 1), (["use", "default"], 0)):
        done = entrain(*command)
        assert done.exit_code == code
        assert done.stdout.startswith("failed")
        assert done.stderr == "entrain: no sound server answers\n"
    assert "failed · no sound server answers" in status_text.live(status.model_dump())
