"""The app's side of head tracking: poses, settings for each output, and reports."""

import math
from pathlib import Path

import numpy as np
import pytest
from made_up_head import made_up

from entrain.engine import Engine
from entrain.errors import EntrainError
from entrain.vdevice.head import head_tracking
from entrain.vdevice.head.head_sink import EngineHead
from entrain.vdevice.head.head_tracking import HeadTracking, Report
from entrain.vdevice.head.settings import TrackingSettings
from entrain.vdevice.remote.bridge_process import BridgeProcess
from entrain.vdevice.rotation import FORWARD, Rotation, angles_of, from_angles, inverse, is_near


class Sink:
    """Notes how the head is turned."""

    def __init__(self) -> None:
        self.turned: list[Rotation] = []

    def turn_head(self, w: float, x: float, y: float, z: float) -> None:
        self.turned.append(Rotation(w, x, y, z))

    def yaw_deg(self) -> float:
        """Return how far the head has turned to the left in the end."""
        return angles_of(inverse(self.turned[-1])).yaw_deg


def left(degrees: float) -> Rotation:
    """The rotation from the room to a head that is turned to the left."""
    return from_angles(math.radians(-degrees), 0, 0)


def bridge() -> BridgeProcess:
    """Make a bridge that never begins."""
    return BridgeProcess(Path("control.sock"), "head tracking")


def noise(seconds: float) -> np.ndarray:
    mono = np.random.default_rng(1).uniform(-0.5, 0.5, round(48_000 * seconds))
    return np.stack([mono, mono]).astype(np.float32)


@pytest.fixture
def sink() -> Sink:
    return Sink()


@pytest.fixture
def head(sink: Sink) -> HeadTracking:
    head = HeadTracking(sink, {}, lambda: None, bridge())
    head.play_on("headset")
    return head


def test_a_pose_reaches_the_sink_at_once_and_as_it_is(head, sink):
    head.turn(*left(30))
    head.turn(*(2 * each for each in left(-30)))

    assert sink.turned == [left(30), pytest.approx(left(-30))]
    assert head.angles.yaw_deg == pytest.approx(-30)
    assert head.age_s < 1


def test_the_ears_of_the_engine_turn_with_the_head():
    with Engine() as engine:
        engine.use_head(made_up().head())
        engine.route([engine.add_layer("speakers", {"width_deg": 0})])
        ears = EngineHead(engine)
        tracking = HeadTracking(ears, {}, lambda: None, bridge())
        tracking.play_on("headset")
        loud = []
        for degrees in (90, -90):
            tracking.turn(*left(degrees))
            heard = engine.process(noise(0.2))[:, -2_400:]
            loud.append(np.argmax(np.square(heard).sum(1)))
            assert ears.angles.yaw_deg == pytest.approx(degrees, abs=0.1)
    assert loud == [1, 0]  # turned to the left, the front is at the right ear


def test_with_the_head_turned_left_the_front_is_on_the_right(sink, head):
    """As the engine has it: the rotation takes the front of the room to the head's right."""
    half = math.sqrt(0.5)
    head.turn(half, 0, 0, -half)

    w, _, _, z = sink.turned[-1]
    assert (1 - 2 * z * z, 2 * w * z) == pytest.approx((0, -1))  # x and y of the front
    assert head.angles.yaw_deg == pytest.approx(90)


@pytest.mark.parametrize("pose", [(0, 0, 0, 0), (math.nan, 0, 0, 0), (1e300, 0, 0, 0)])
def test_what_is_no_pose_is_refused_and_changes_nothing(head, sink, pose):
    with pytest.raises(EntrainError, match=r"^w, x, y and z are not a rotation$"):
        head.turn(*pose)

    assert sink.turned == []
    assert head.angles is None


def test_recentre_makes_the_present_pose_straight_ahead(head, sink):
    head.turn(*left(50))
    head.recentre()
    assert is_near(sink.turned[-1], FORWARD, 1e-6)
    head.turn(*left(70))
    assert is_near(sink.turned[-1], left(20), 1e-6)
    assert head.angles.yaw_deg == pytest.approx(20)


def test_without_a_fresh_pose_there_is_no_centre(head, monkeypatch):
    with pytest.raises(EntrainError, match="tracking is off; `entrain head on` switches it on"):
        head.recentre()
    head.change(on=True)
    head.turn(*left(50))
    monkeypatch.setattr(head_tracking, "STALE_S", -1.0)
    with pytest.raises(EntrainError, match="no pose of the head arrives"):
        head.recentre()
    assert head.angles is None
    monkeypatch.setattr(head_tracking, "FORGOTTEN_S", -1.0)
    assert head.age_s is None


@pytest.mark.parametrize("follow", [0.0, 0.5, 1.0])
def test_a_share_of_the_turn_is_followed(head, sink, follow):
    head.change(on=True, follow=follow)
    head.turn(*left(60))
    assert sink.yaw_deg() == pytest.approx(60 * follow)
    head.recentre()
    head.turn(*left(20))
    assert sink.yaw_deg() == pytest.approx(-40 * follow)


def test_switched_off_the_head_looks_ahead_and_forgets_its_centre(head, sink):
    head.change(on=True)
    head.turn(*left(50))
    head.recentre()
    head.change(on=False)
    assert is_near(sink.turned[-1], FORWARD, 1e-6)
    assert head.angles is None
    head.change(on=True)
    head.turn(*left(50))
    assert is_near(sink.turned[-1], left(50), 1e-6)


def test_a_client_that_turns_the_head_keeps_its_centre(head, sink):
    """Poses come over the control socket, without a tracker; the output comes back meanwhile."""
    head.turn(*left(50))
    head.recentre()
    head.play_on("headset")
    head.change(preset="supperware")
    head.turn(*left(70))
    assert is_near(sink.turned[-1], left(20), 1e-6)
    head.change(on=False)
    assert is_near(sink.turned[-1], FORWARD, 1e-6)


def test_each_output_has_its_own_settings(head):
    head.change(on=True, preset="supperware", invert=("roll",))
    head.play_on("speakers")
    assert head.settings == TrackingSettings()
    head.play_on("headset")
    assert head.settings == TrackingSettings(on=True, preset="supperware", invert=("roll",))
    head.change(lan=True)
    assert head.settings.preset == "supperware"


def test_the_settings_of_the_outputs_used_last_are_kept(head):
    for number in range(head_tracking.MOST_OUTPUTS + 5):
        head.play_on(f"output {number}")
        head.change(on=True)
    assert len(head.by_output) == head_tracking.MOST_OUTPUTS
    assert f"output {head_tracking.MOST_OUTPUTS + 4}" in head.by_output
    assert "output 0" not in head.by_output


def test_without_an_output_there_is_nothing_to_set(sink):
    with pytest.raises(EntrainError, match=r"^there is no output yet"):
        HeadTracking(sink, {}, lambda: None, bridge()).change(on=True)


def test_reports_of_the_bridge_are_kept_and_told_and_nonsense_is_not(sink):
    told: list[int] = []
    process = bridge()
    head = HeadTracking(sink, {}, lambda: told.append(1), process)
    head.play_on("headset")
    head.change(on=True, follow=0.5)

    process._take("tracking", {"listening": [9000], "later": 1})
    assert head.report == Report(listening=(9000,))
    process._take("tracking", {"listening": 3})
    process._take("tracking", {"packets_per_s": math.nan})
    process._take("tracking", {"listening": [9000]})
    assert head.report == Report(listening=(9000,))
    assert len(told) == 1
    head.change(follow=0.7)  # no concern of the bridge
    assert head.report == Report(listening=(9000,))
    head.change(lan=True)
    assert head.report == Report()
