"""The apps that Entrain moves, their devices, and the apps that it leaves alone."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from entrain.platform.adapter import OWN_DEVICE, Stream
from entrain.platform.null import NullServer, null_device
from entrain.vdevice.device.applications.placement import SETTLE_S, Applications, Situation
from entrain.vdevice.device.applications.rules import ApplicationRules

DEVICES = ("speakers", "headphones")


class Desktop:
    """A server whose streams follow the default until they are moved, and Entrain's rules."""

    def __init__(self, rules=None, mode="default", on=True) -> None:
        self.server = NullServer(tuple(null_device(name) for name in (*DEVICES, OWN_DEVICE)))
        self.applications = Applications(rules)
        self.mode, self.on, self.target = mode, on, "speakers"
        self.now_s = 0.0
        self.following: set[int] = set()
        self.default = "speakers"
        self.take(mode == "default" and on)

    def take(self, takes: bool) -> None:
        """Make Entrain the default, or the speakers."""
        self.choose(OWN_DEVICE if takes else "speakers")

    def choose(self, default: str) -> None:
        self.default = default
        for index in self.following:
            self.server.move_stream(index, default)

    def play(self, index: int, device: str = "", **what: object) -> None:
        if not device:
            self.following.add(index)
        self.server.add_stream(Stream(index, device or self.default, **what))

    def drag(self, index: int, device: str) -> None:
        """Move a stream, as a user does."""
        self.following.discard(index)
        self.server.move_stream(index, device)

    def look(self, after_s: float = 0.1) -> list[tuple[int, str]]:
        """Let Entrain look and act; return the streams that it has moved."""
        self.now_s += after_s
        devices = tuple(device.name for device in self.server.devices())
        situation = Situation(self.target, self.default, devices, self.mode, self.on)
        moves = self.applications.observe(self.server.streams(), situation, self.now_s)
        for move in moves:
            self.server.move_stream(move.index, move.device)
            self.following.discard(move.index)
            if move.device == self.default:
                self.following.add(move.index)
        return [(move.index, move.device) for move in moves]

    def where(self, index: int) -> str:
        return next(stream.device for stream in self.server.streams() if stream.index == index)


@pytest.mark.parametrize(
    "what",
    [
        {"purpose": "call"},
        {"purpose": "notification", "name": "bell"},
        {"name": "GNOME Shell"},
        {"binary": "speech-dispatcher-espeak-ng"},
        {"binary": "Discord", "name": "WEBRTC VoiceEngine"},
        {"app_id": "org.example.Game"},
        {"binary": "game"},
        {"name": "My GAME"},
    ],
    ids=str,
)
def test_what_is_to_go_past_entrain_is_moved_to_the_real_device(what):
    desktop = Desktop(ApplicationRules(exclude=("org.example.game", "Game", "my game")))
    desktop.play(1, **what)
    desktop.play(2, name="Player", binary="player")

    assert desktop.look() == [(1, "speakers")]
    assert desktop.look() == []
    assert (desktop.where(1), desktop.where(2)) == ("speakers", OWN_DEVICE)


@pytest.mark.parametrize(
    ("rules", "what"),
    [
        ({"calls_pass": False}, {"purpose": "call"}),
        ({"calls_pass": False}, {"binary": "zoom"}),
        ({"notifications_pass": False}, {"purpose": "notification"}),
        ({"include": ("zoom",)}, {"binary": "zoom", "purpose": "call"}),
        ({}, {"name": "zoomer"}),
        ({"exclude": ("game",)}, {"name": "Gamebox"}),
    ],
    ids=str,
)
def test_what_nobody_wants_past_it_stays(rules, what):
    desktop = Desktop(ApplicationRules(**rules))
    desktop.play(1, **what)

    assert desktop.look() == []


def test_an_exclusion_wins_over_an_inclusion():
    rules = ApplicationRules(include=("game",), exclude=("GAME",))
    stream = Stream(1, "speakers", name="game")

    assert rules.passes(stream)
    assert not rules.includes(stream)


def test_rules_are_lines_of_text():
    with pytest.raises(ValidationError):
        ApplicationRules(exclude=("two\nlines",))


def test_what_was_moved_follows_the_target_and_goes_back_when_entrain_is_off():
    desktop = Desktop()
    desktop.play(1, purpose="call")
    desktop.look()
    desktop.look()

    desktop.target = "headphones"
    assert desktop.look() == [(1, "headphones")]
    desktop.on = False
    desktop.take(False)
    assert desktop.look() == [(1, "speakers")]
    assert 1 in desktop.following
    assert desktop.look() == []
    assert not desktop.applications.has_placed


def test_one_that_is_where_it_goes_back_to_is_told_so_once():
    """The server forgets an earlier move only when a stream is moved to the default."""
    desktop = Desktop()
    desktop.play(1, purpose="call")
    desktop.look()
    desktop.look()
    desktop.on = False
    desktop.take(False)

    assert desktop.look() == [(1, "speakers")]
    assert desktop.look() == []


def test_a_rule_that_is_lifted_brings_the_program_back():
    desktop = Desktop(ApplicationRules(exclude=("game",)))
    desktop.play(1, name="game")
    desktop.look()
    desktop.look()

    desktop.applications.rules = ApplicationRules()
    assert desktop.look() == [(1, OWN_DEVICE)]
    desktop.on = False
    desktop.take(False)
    assert desktop.look() == []
    assert desktop.where(1) == "speakers"


def test_off_and_on_again_moves_it_again():
    desktop = Desktop(ApplicationRules(exclude=("game",)))
    desktop.play(1, name="game")
    for _ in range(3):
        desktop.on = True
        desktop.take(True)
        assert desktop.look(10) == [(1, "speakers")]
        assert desktop.look() == []
        desktop.on = False
        desktop.take(False)
        assert desktop.look(10) == [(1, "speakers")]


def test_while_the_default_is_on_its_way_nothing_is_decided():
    desktop = Desktop()
    desktop.play(1, purpose="call")
    desktop.look()
    desktop.look()

    desktop.default = ""
    assert desktop.look() == []
    desktop.default = "speakers"  # the restarted session manager has not restored the default yet
    assert desktop.look() == []


def test_the_news_of_a_new_default_may_come_after_its_streams():
    desktop = Desktop(ApplicationRules(exclude=("game",)), on=False)
    desktop.play(1, name="game")
    desktop.look()

    desktop.server.move_stream(1, OWN_DEVICE)
    desktop.on = True
    assert desktop.look() == []
    desktop.take(True)
    assert desktop.look() == [(1, "speakers")]


@pytest.mark.parametrize("rules", [ApplicationRules(), ApplicationRules(exclude=("game",))])
def test_a_stream_moved_by_hand_is_left_alone_for_its_life(rules):
    desktop = Desktop(rules)
    desktop.play(1, name="game", purpose="call")
    desktop.look(10)
    desktop.look(10)

    desktop.drag(1, OWN_DEVICE)
    assert desktop.look(10) == []
    assert desktop.look(10) == []
    desktop.target = "headphones"
    assert desktop.look(10) == []
    desktop.on = False
    desktop.take(False)
    assert desktop.look(10) == []

    desktop.server.remove_stream(1)
    desktop.on = True
    desktop.take(True)
    desktop.look(10)
    desktop.play(2, name="game", purpose="call")
    assert desktop.look(10) == [(2, "headphones")]


def test_a_program_that_asks_for_a_device_itself_is_left_alone():
    desktop = Desktop()
    desktop.play(1, OWN_DEVICE, purpose="call", pinned=True)

    assert desktop.look() == []


def test_one_that_does_not_let_itself_be_moved_is_tried_once():
    desktop = Desktop()
    desktop.play(1, purpose="call")
    desktop.server.move_stream = lambda index, device: None

    assert desktop.look() == [(1, "speakers")]
    assert desktop.look() == []
    assert desktop.look(SETTLE_S) == []
    assert desktop.look(SETTLE_S) == []


def test_a_stream_that_is_nowhere_yet_is_waited_for():
    desktop = Desktop()
    desktop.server.add_stream(Stream(1, "", purpose="call"))

    assert desktop.look() == []
    desktop.server.move_stream(1, OWN_DEVICE)
    assert desktop.look() == [(1, "speakers")]


def test_an_unplugged_target_is_no_choice_by_hand():
    """The server moves the target's streams to the default, which is Entrain."""
    desktop = Desktop()
    desktop.target = "headphones"
    desktop.play(1, purpose="call")
    desktop.look()
    desktop.look()

    desktop.server.move_stream(1, OWN_DEVICE)  # the server moves the stream before the device goes
    assert desktop.look() == []
    desktop.server.remove_device("headphones")
    desktop.target = "speakers"
    assert desktop.look() == [(1, "speakers")]


def test_a_device_that_comes_back_to_its_streams_is_no_choice_by_hand():
    desktop = Desktop(ApplicationRules(include=("player",)), mode="manual")
    desktop.server.remove_device("headphones")
    desktop.play(1, name="player")
    desktop.on = False
    desktop.look(10)

    desktop.server.add_device(null_device("headphones"))
    desktop.server.move_stream(1, "headphones")
    assert desktop.look(10) == []
    desktop.on = True
    assert desktop.look() == [(1, OWN_DEVICE)]


def test_in_manual_mode_included_programs_are_heard_through_entrain_while_it_is_on():
    desktop = Desktop(ApplicationRules(include=("player",)), mode="manual", on=False)
    desktop.play(1, name="Player")
    desktop.play(2, "headphones", binary="player")
    desktop.play(3, name="other", purpose="call")
    assert desktop.look() == []

    desktop.on = True
    assert desktop.look() == [(1, OWN_DEVICE), (2, OWN_DEVICE)]
    assert desktop.look() == []
    desktop.on = False
    assert desktop.look() == [(1, "speakers"), (2, "headphones")]
    assert 1 in desktop.following
    assert desktop.look() == []


def test_an_included_program_taken_away_by_hand_stays_away():
    desktop = Desktop(ApplicationRules(include=("player",)), mode="manual")
    desktop.play(1, name="player")
    desktop.look()
    desktop.look(10)

    desktop.drag(1, "headphones")
    assert desktop.look() == []
    assert desktop.look(10) == []
    desktop.on = False
    assert desktop.look() == []
    assert desktop.where(1) == "headphones"


def test_in_manual_mode_what_the_user_routes_to_entrain_stays_there():
    desktop = Desktop(ApplicationRules(exclude=("game",)), mode="manual")
    desktop.play(1, OWN_DEVICE, name="game")
    desktop.play(2, OWN_DEVICE, purpose="call")

    assert desktop.look() == []
    desktop.on = False
    assert desktop.look() == []


def test_calls_pass_where_the_user_made_entrain_the_default_in_manual_mode():
    desktop = Desktop(mode="manual", on=False)
    desktop.choose(OWN_DEVICE)
    desktop.play(1, purpose="call")

    assert desktop.look() == [(1, "speakers")]


@pytest.mark.parametrize("to", ["manual", "smart"])
def test_another_mode_gives_back_what_the_old_one_had_moved(to):
    desktop = Desktop()
    desktop.play(1, purpose="call")
    desktop.look()
    desktop.look()
    desktop.mode = to
    desktop.take(False)

    assert desktop.look() == [(1, "speakers")]
    assert desktop.look() == []


def test_in_smart_mode_nothing_is_moved():
    desktop = Desktop(ApplicationRules(include=("a",), exclude=("b",)), mode="smart")
    for index, name in enumerate(("a", "b", "c")):
        desktop.play(index, name=name, purpose="call")

    assert desktop.look() == []
    assert not desktop.applications.needs_news("smart")


def test_a_stream_that_the_server_puts_where_its_kind_was_sent_counts_as_moved_by_us():
    """WirePlumber does so.  The stream must not stay on a device that is no longer the target."""
    desktop = Desktop()
    desktop.play(1, purpose="notification")
    desktop.look()
    desktop.server.remove_stream(1)
    desktop.look()

    desktop.target = "headphones"
    desktop.play(2, "speakers", purpose="notification")
    assert desktop.look() == [(2, "headphones")]
    desktop.look()
    desktop.on = False
    desktop.take(False)
    assert desktop.look() == [(2, "speakers")]
    desktop.play(3, "headphones", purpose="notification")
    assert desktop.look() == []


def test_quitting_takes_everything_back():
    rules = ApplicationRules(include=("player",))
    desktop = Desktop(rules, mode="manual")
    desktop.play(1, name="player")
    desktop.play(2, "headphones", name="player")
    desktop.play(3, OWN_DEVICE)
    desktop.look()
    desktop.look()

    moves = desktop.applications.give_back(desktop.server.streams(), "speakers")

    assert [(move.index, move.device) for move in moves] == [(1, "speakers"), (2, "headphones")]


def test_a_new_server_has_new_streams():
    desktop = Desktop()
    desktop.play(1, purpose="call")
    desktop.look()
    desktop.drag(1, "headphones")
    desktop.look(10)
    desktop.look(10)
    desktop.applications.server_restarted()

    desktop.server.move_stream(1, OWN_DEVICE)
    assert desktop.look() == [(1, "speakers")]


@pytest.mark.parametrize(
    ("rules", "modes"),
    [
        ({}, ["default", "manual"]),
        ({"calls_pass": False, "notifications_pass": False}, []),
        ({"calls_pass": False, "notifications_pass": False, "include": ("a",)}, ["manual"]),
        (
            {"calls_pass": False, "notifications_pass": False, "exclude": ("a",)},
            ["default", "manual"],
        ),
    ],
    ids=str,
)
def test_streams_are_watched_only_where_they_matter(rules, modes):
    applications = Applications(ApplicationRules(**rules))

    assert [m for m in ("default", "manual", "smart") if applications.needs_news(m)] == modes


EVENTS = st.one_of(
    st.tuples(st.sampled_from(["switch", "look", "lift", "rule", "replug"])),
    st.tuples(st.just("drag"), st.integers(0, 3), st.sampled_from([*DEVICES, OWN_DEVICE])),
    st.tuples(st.just("target"), st.sampled_from(DEVICES)),
    st.tuples(st.just("mode"), st.sampled_from(["default", "manual", "smart"])),
)
RULES = ApplicationRules(include=("included",), exclude=("excluded",))


@settings(deadline=None, max_examples=200)
@given(st.lists(EVENTS, max_size=20), st.sampled_from(["default", "manual"]))
def test_any_sequence_comes_to_rest_with_everybody_in_place(events, mode):
    desktop = Desktop(RULES, mode)
    names = ("included", "excluded", "other", "phone")
    dragged: dict[int, str] = {}
    for index, name in enumerate(names):
        desktop.play(index, name=name, purpose="call" if name == "phone" else "other")

    for event in events:
        match event:
            case ("switch",):
                desktop.on = not desktop.on
            case ("look",):
                desktop.look()
            case ("lift",):
                desktop.applications.rules = ApplicationRules(calls_pass=False)
            case ("rule",):
                desktop.applications.rules = RULES
            case ("replug",):
                desktop.look()
                desktop.server.remove_device("headphones")
                target, desktop.target = desktop.target, "speakers"
                for index in range(4):
                    if not desktop.where(index):
                        desktop.server.move_stream(index, desktop.default)
                        desktop.following.add(index)
                desktop.look()
                desktop.server.add_device(null_device("headphones"))
                desktop.target = target
            case ("drag", index, device):
                desktop.look(10)
                desktop.look(10)
                if device != desktop.where(index):
                    dragged[index] = device
                    desktop.drag(index, device)
                desktop.look(10)
                desktop.look(10)
            case ("target", name):
                desktop.target = name
            case ("mode", name):
                desktop.mode = name
        desktop.take(desktop.mode == "default" and desktop.on)

    for _ in range(10):
        if not desktop.look():
            break
    else:
        pytest.fail("the streams do not come to rest")
    rules = desktop.applications.rules
    takes = desktop.default == OWN_DEVICE
    for stream in desktop.server.streams():
        if stream.index in dragged:
            if dragged[stream.index] != "headphones":  # the headphones may have been unplugged
                assert stream.device == dragged[stream.index]
            continue
        if takes and rules.passes(stream):
            assert stream.device == desktop.target
        elif takes or (desktop.mode == "manual" and desktop.on and rules.includes(stream)):
            assert stream.device == OWN_DEVICE
        else:
            assert stream.device == "speakers"


def test_a_stream_on_a_device_that_is_not_listed_yet_is_looked_at_again():
    applications, places = Applications(), ("speakers", OWN_DEVICE)
    situation = Situation("speakers", OWN_DEVICE, places, "default", True)
    for now_s, device in enumerate((OWN_DEVICE, "new")):
        assert applications.observe([Stream(1, device, name="A")], situation, now_s) == []
