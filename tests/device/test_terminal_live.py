"""`entrain watch` in a terminal, with a running Entrain."""

import os
import random
import re
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import app
import numpy as np
import pytest
import soon
import soundlab
from needs import skip_without_programs
from tmux_terminal import PROMPT, WATCH, Terminal, terminal

from entrain.vdevice.api.client import Client

CHANGES = 20
LAYERS = (
    "--layer",
    "tone=binaural:carrier_hz=400,beat_hz=10",
    "--layer",
    "am:rate_hz=10,depth=0.2",
)


@pytest.fixture
def entrain(pipewire_server) -> Iterator[app.App]:
    """Run an Entrain of two layers, with noise as the music."""
    noise = 0.1 * np.random.default_rng(1).standard_normal((120 * soundlab.RATE_HZ, 2))
    environment = pipewire_server.environment
    with (
        app.running(environment, *LAYERS) as running,
        soundlab.play(environment, noise.astype(np.float32)),
    ):
        running.wait_for(state="processing")
        yield running


@pytest.fixture
def shell(tmp_path, home, pipewire_server) -> Iterator[Terminal]:
    skip_without_programs("tmux")
    with terminal(tmp_path, pipewire_server.environment) as found:
        yield found


def is_restored(shell: Terminal) -> bool:
    """Return whether the usual screen is shown, with a cursor."""
    return (shell.ask("alternate_on"), shell.ask("cursor_flag")) == ("0", "1")


def test_every_key_says_what_it_does_and_does_it(entrain, shell):
    def protocol() -> dict[str, object]:
        found: dict[str, object] = entrain.status()["protocol"]
        return found

    def amount() -> object:
        return entrain.status()["protocol"]["layers"][0]["params"].get("amount", 1.0)

    shell.type(WATCH)
    shell.wait_for(r"processes your music")
    shell.wait_for(r"spectrum.*\n(.*\n)*.*█.*\n +50 ")
    shell.wait_for(r"in +left +█+")
    shell.wait_for(r"beat +10 Hz promised +(9\.99|10\.0)\d* Hz measured")
    shell.wait_for(r"swell +10 Hz promised +(9\.9|10\.)\d* Hz measured")

    shell.press("Right")
    shell.wait_for(r"^ +Faster: 11 Hz")
    assert protocol()["rate_hz"] == 11
    shell.press("Left")
    shell.wait_for(r"^ +Slower: 10 Hz")
    assert protocol()["rate_hz"] == 10
    shell.press("Up")
    shell.wait_for(r"^ +Stronger: Level -?\d+ dB of tone")
    shell.press("Down")
    shell.wait_for(r"^ +Weaker: Level -?\d+ dB of tone")
    shell.press("Space")
    shell.wait_for(r"^ +Bypass on")
    assert entrain.status()["bypass"]
    shell.press("Space")
    shell.wait_for(r"^ +Bypass off")
    assert not entrain.status()["bypass"]
    shell.press("Tab")
    shell.wait_for(r"^ +Layer tone is chosen; m mutes it")
    shell.press("m")
    shell.wait_for(r"^ +Layer tone is muted")
    shell.wait_for(r"› tone +muted")
    assert amount() == 0
    shell.press("m")
    shell.wait_for(r"^ +Layer tone sounds again")
    assert amount() == 1
    shell.press("t")
    shell.wait_for(r"^ +Entrain switches off in (15:00|14:59)")
    shell.press("t")
    shell.wait_for(r"^ +Entrain switches off in (30:00|29:\d\d)")
    assert 25 * 60 < entrain.status()["sleep_left_s"] <= 30 * 60
    shell.press("T")
    shell.wait_for(r"^ +No sleep timer")
    assert entrain.status()["sleep_left_s"] is None
    shell.press("o")
    shell.wait_for(r"^ +Entrain is off; o switches it on")
    assert not entrain.status()["on"]
    shell.press("o")
    shell.wait_for(r"^ +Entrain is on")
    assert entrain.status()["on"]
    shell.press("?")
    name = shell.wait_for(r"^2 +\S.*?  ")[1:].strip()
    shell.press("2")
    shell.wait_for(rf"^ +Protocol: {re.escape(name)}")
    assert protocol()["name"] == name
    shell.press("Escape")
    shell.wait_for(rf"protocol +{name}")
    shell.press("n")
    shell.wait_for(rf"^ +Protocol: (?!{name})")
    other = protocol()["name"]
    shell.press("u")
    shell.wait_for(rf"^ +Undone: {name} → {other}")
    assert protocol()["name"] == name
    shell.press("r")
    shell.wait_for(r"^ +Made again: ")
    assert protocol()["name"] == other
    shell.press("r")
    shell.wait_for(r"^ +nothing to redo")
    shell.press("x")
    shell.wait_for(r"^ +x has no effect")
    shell.press("q")
    shell.wait_for(PROMPT)
    assert is_restored(shell)


def test_without_sound_the_meters_are_empty(pipewire_server, shell):
    environment = pipewire_server.environment
    with app.running(environment) as entrain:
        entrain("on")
        shell.type(WATCH)
        with soundlab.play(environment, soundlab.sine(1000, 60)):
            shell.wait_for(r"in +left +█.* dB")
            shell.wait_for(r"█\n(.*\n)* +50 ")
        shell.wait_for(r"in +left +waiting for sound +- dB  peak    - dB")
        shell.wait_for(r"rhythm +beat +\S+ Hz promised +waiting for sound")
        shell.wait_for(r"spectrum\n\n+ +50 ")


def test_changes_of_others_are_told_and_the_end_and_return_of_entrain(entrain, shell):
    shell.type(WATCH)
    shell.wait_for(r"protocol  \S")
    entrain("faster")
    shell.wait_for(r"command line +.* → 11 Hz")
    entrain("bypass", "on")
    shell.wait_for(r"command line +bypass on")
    shell.wait_for(r"bypassed: your music passes untouched")
    assert entrain.quit() == 0
    shell.wait_for(r"not running\n +`entrain run` starts it; this screen waits for it")
    shell.press("n")
    shell.wait_for(r"^ +Entrain is not running; q quits")
    with app.running(entrain.environment):
        shell.wait_for(r"Entrain is back")
        shell.wait_for(r"protocol  \S")
    shell.press("q")
    shell.wait_for(PROMPT)


def test_changes_of_others_are_shown_soon(entrain, shell):
    """Each change follows the sight of the former one, so waiting for an interval never helps."""
    shell.type(WATCH)
    shell.wait_for(r"protocol  \S")
    delays_s = []
    with Client(app.control_socket(entrain.environment), name="test") as client:
        for number in range(CHANGES):
            beat_hz = 5 + number / 10
            client.set_values({"tone.beat_hz": beat_hz})
            changed_s = time.monotonic()
            shell.wait_for(rf"tone +binaural · Beat {beat_hz:g} Hz")
            delays_s.append(time.monotonic() - changed_s)
    assert soon.delay_s(delays_s, soon.SHARE_OF_FEW) <= soon.SHOWN_S, delays_s


@pytest.mark.parametrize("end", ["q", "C-c", "C-\\", "TERM", "HUP", "QUIT", "INT"])
def test_the_terminal_is_as_before_whatever_ends_the_screen(any_server, tmp_path, home, end):
    skip_without_programs("tmux")
    environment = any_server.environment
    with app.running(environment), terminal(tmp_path, environment) as shell:
        before = shell.modes("before")
        shell.type("clear; " + WATCH + '; echo "ended $?"')
        shell.wait_for(r"protocol  \S")
        assert shell.ask("alternate_on") == "1"
        if len(end) > 3 or end == "INT" or end == "HUP":
            (pid,) = shell.children()
            os.kill(pid, signal.Signals[f"SIG{end}"])
        else:
            shell.press(end)
        codes = {"q": 0, "C-c": 130, "INT": 130, "C-\\": 131, "QUIT": 131, "TERM": 143, "HUP": 129}
        shell.wait_for(rf"^ended {codes[end]}\b")
        assert is_restored(shell)
        assert shell.modes("after") == before


def test_a_closed_terminal_ends_the_screen(any_server, tmp_path, home):
    skip_without_programs("tmux")
    environment = any_server.environment
    with app.running(environment) as entrain, terminal(tmp_path, environment) as shell:
        shell.type(WATCH)
        shell.wait_for(r"protocol  \S")
        (pid,) = shell.children()
        shell.tmux("kill-pane")
        soundlab.wait_until(lambda: not Path(f"/proc/{pid}").exists(), 20, "the screen ends")
        assert entrain.status()["errors"] == []


def test_ctrl_z_restores_the_terminal_until_the_screen_goes_on(any_server, tmp_path, home):
    skip_without_programs("tmux")
    environment = any_server.environment
    with app.running(environment), terminal(tmp_path, environment) as shell:
        before = shell.modes("before")
        shell.type(WATCH)
        shell.wait_for(r"protocol  \S")
        shell.press("C-z")
        shell.wait_for(r"Stopped")
        assert is_restored(shell)
        assert shell.modes("between") == before
        shell.type("fg")
        shell.wait_for(r"protocol  \S")
        assert shell.ask("alternate_on") == "1"
        shell.press("q")
        shell.wait_for(PROMPT)
        assert shell.modes("after") == before


def test_after_a_stop_the_screen_is_whole_and_takes_keys(any_server, tmp_path, home):
    """SIGSTOP leaves no time to restore the terminal, and the shell may change it meanwhile."""
    skip_without_programs("tmux")
    environment = any_server.environment
    with app.running(environment), terminal(tmp_path, environment) as shell:
        shell.type(WATCH)
        shell.wait_for(r"protocol  \S")
        (pid,) = shell.children()
        os.kill(pid, signal.SIGSTOP)
        shell.wait_for(r"Stopped")
        shell.type("stty sane; clear; fg")
        shell.wait_for(r"protocol  \S")
        shell.press("x")
        shell.wait_for(r"^ +x has no effect")
        shell.press("q")
        shell.wait_for(PROMPT)
        assert is_restored(shell)


def test_a_thousand_sizes_leave_the_screen_whole(entrain, shell):
    chance = random.Random(1)
    shell.type(WATCH)
    shell.wait_for(r"protocol  \S")
    (pid,) = shell.children()
    for _ in range(1000):
        shell.resize(chance.randint(1, 200), chance.randint(1, 60))
    for columns, rows in ((200, 60), (80, 24)):
        shell.resize(columns, rows)

        def is_whole(text: str, columns: int = columns, rows: int = rows) -> str:
            lines = text.split("\n")
            return (
                text
                if (
                    len(lines) == rows
                    and len(lines[0]) == columns
                    and lines[0].startswith("Entrain   ● processes your music")
                    and lines[-1].endswith("q quit")
                )
                else ""
            )

        shell.wait_until(is_whole, f"a whole screen of {columns} by {rows}")
    assert shell.children() == [pid]
    shell.press("q")
    shell.wait_for(PROMPT)
    assert is_restored(shell)


def test_the_screen_sends_few_bytes(entrain, shell):
    """At most 10,000 bytes a second, after a burst of 20,000; requests are small beside them."""

    def written() -> int:
        text = Path(f"/proc/{pid}/io").read_text(encoding="ascii")
        return int(text.split("wchar:")[1].split()[0])

    shell.resize(200, 60)
    shell.type(WATCH)
    shell.wait_for(r"protocol  \S")
    (pid,) = shell.children()
    before, seconds = written(), 5.0
    recorded = soundlab.wait_until(lambda: entrain.status()["position"]["elapsed_s"], 10, "a time")
    soundlab.wait_until(
        lambda: entrain.status()["position"]["elapsed_s"] > recorded + seconds, 60, "time passes"
    )
    passed_s = entrain.status()["position"]["elapsed_s"] - recorded
    assert 0 < written() - before < (passed_s + 2) * 12_000 + 20_000


def test_without_a_terminal_or_with_plain_there_are_lines(entrain, shell):
    shell.resize(200, 24)  # a line has one row
    shell.type(f"NO_COLOR=1 {WATCH} --plain")
    shell.wait_for(r"^processing · .* · in -\d+\.\d dB, out -\d+")
    assert shell.ask("alternate_on") == "0"
    shell.press("C-c")
    shell.type(f"clear; {WATCH} | head -n 2; echo over")
    shell.wait_for(r"^processing · .*\nprocessing · .*\nover")
    shell.type(f"clear; TERM=dumb {WATCH}")
    shell.wait_for(r"^processing · ")
    assert shell.ask("alternate_on") == "0"


def test_no_colour_is_shown_where_none_is_wanted(entrain, shell):
    def has_colour() -> bool:
        return "\x1b[32m" in shell.tmux("capture-pane", "-p", "-e")

    shell.type(WATCH)
    shell.wait_for(r"processes your music")
    assert has_colour()
    shell.press("q")
    shell.wait_for(PROMPT)
    shell.type(f"NO_COLOR=1 {WATCH}")
    shell.wait_for(r"processes your music")
    assert not has_colour()
