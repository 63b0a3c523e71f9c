"""The examples of docs/automation.md steer Entrain: keys, Home Assistant's broker, cron."""

import datetime
import json
import os
import queue
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import croniter
import needs
import paho.mqtt.client as paho
import pytest
from paho.mqtt.enums import CallbackAPIVersion

from entrain.vdevice.api import messages

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/automation.md").read_text(encoding="utf-8")
EXAMPLES = ROOT / "docs/examples"
PATIENCE_S = 30


class Steered:
    """An Entrain whose protocol and bypass can be changed, without sound."""

    def __init__(self, idle: messages.Status) -> None:
        self.requests: list[messages.Request] = []
        self._status = idle
        self._play("default")

    def respond(self, request: messages.Request) -> messages.Status:
        if not isinstance(request, messages.Query):
            self.requests.append(request)
        if isinstance(request, messages.Bypass):
            on = not self._status.bypass if request.on is None else request.on
            self._status = self._status.model_copy(update={"bypass": on})
        elif isinstance(request, messages.Use):
            self._play(str(request.protocol))
        return self._status

    def _play(self, name: str) -> None:
        playing = None
        if name != "none":
            playing = messages.ActiveProtocol(
                id=name, name=name.title(), elapsed_s=0, rate_hz=10, layers=[]
            )
        self._status = self._status.model_copy(update={"protocol": playing})


@pytest.fixture
def steered(idle):
    return Steered(idle)


@pytest.fixture
def environment(tmp_path) -> dict[str, str]:
    """Return the variables that cron has, and a private runtime folder."""
    tmp_path.chmod(0o700)
    return {
        "HOME": str(tmp_path),
        "LOGNAME": "me",
        "PATH": "/usr/bin:/bin",
        "SHELL": "/bin/sh",
        "XDG_RUNTIME_DIR": str(tmp_path),
    }


@pytest.fixture
def server(tmp_path, serve, steered):
    return serve(tmp_path / "entrain" / "control.sock", steered.respond)


# ---- keys ----------------------------------------------------------------------------------------


def pressed(keys: str, environment: dict[str, str]) -> list[str]:
    done = subprocess.run(
        [sys.executable, EXAMPLES / "keys.py"],
        env=environment | {"PYTHONWARNINGS": "error"},
        input="".join(f"{key}\n" for key in keys),
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert done.stderr == ""
    return done.stdout.splitlines()


def test_keys_send_commands_and_show_what_sounds(server, steered, environment):
    assert pressed("2115x", environment) == [
        "Focus-16",
        "Focus-16 (bypassed)",
        "Focus-16",
        "Focus-16",
        "no command for 'x'",
    ]
    assert [request.command for request in steered.requests] == [
        "use",
        "bypass",
        "bypass",
        "adjust",
    ]


def test_every_key_has_a_command_that_entrain_takes(server, steered, environment):
    pressed("1234567890", environment)
    assert len(steered.requests) == 10


def test_a_key_without_entrain_shows_one_line(environment):
    assert pressed("1", environment) == ["Entrain is not running; start it with `entrain run`"]


# ---- Home Assistant ------------------------------------------------------------------------------


class Broker:
    """A broker at one port; a new one has forgotten what the former one was told."""

    def __init__(self, program: str, folder: Path, rules: str = "allow_anonymous true") -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = int(free.getsockname()[1])
        file = folder / "mosquitto.conf"
        file.write_text(f"listener {self.port} 127.0.0.1\n{rules}\nuser root\n")
        self._command = [program, "-c", str(file)]
        self.start()

    def start(self) -> None:
        self._process = subprocess.Popen(self._command, stderr=subprocess.DEVNULL)

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()


def program(name: str) -> str:
    """Return the path of a program, or skip the test."""
    found = shutil.which(name, path=f"{os.environ['PATH']}:/usr/sbin")
    if not found:
        needs.skip_without([name])
    assert found
    return found


@pytest.fixture
def broker(tmp_path) -> Iterator[Broker]:
    broker = Broker(program("mosquitto"), tmp_path)
    yield broker
    broker.kill()


class Home:
    """A client of the broker that keeps the newest message of each topic."""

    def __init__(self, port: int, user: tuple[str, str] | None = None) -> None:
        self._heard: queue.Queue[tuple[str, str]] = queue.Queue()
        self._newest: dict[str, str] = {}
        self._mqtt = paho.Client(CallbackAPIVersion.VERSION2)
        if user:
            self._mqtt.username_pw_set(*user)
        self._mqtt.on_connect = lambda mqtt, *_: mqtt.subscribe("#")
        self._mqtt.on_message = lambda _mqtt, _data, message: self._heard.put(
            (message.topic, message.payload.decode(errors="replace"))
        )
        deadline = time.monotonic() + PATIENCE_S
        while True:
            try:
                self._mqtt.connect("127.0.0.1", port)
                break
            except OSError:  # the broker is still starting
                assert time.monotonic() < deadline
                time.sleep(0.02)
        self._mqtt.loop_start()

    def say(self, topic: str, payload: str | bytes) -> None:
        self._mqtt.publish(topic, payload, 1).wait_for_publish(PATIENCE_S)

    def wait_for(self, topic: str, payload: str | None = None) -> str:
        """Wait until the newest message of a topic is this one, or any one."""
        deadline = time.monotonic() + PATIENCE_S
        while topic not in self._newest or payload not in (None, self._newest[topic]):
            name, said = self._heard.get(timeout=max(0.0, deadline - time.monotonic()))
            self._newest[name] = said
        return self._newest[topic]

    def close(self) -> None:
        self._mqtt.disconnect()
        self._mqtt.loop_stop()


@pytest.fixture
def home_assistant(broker) -> Iterator[Home]:
    home = Home(broker.port)
    yield home
    home.close()


@pytest.fixture
def bridge(broker, environment) -> Iterator["subprocess.Popen[bytes]"]:
    command = [sys.executable, EXAMPLES / "home_assistant.py", "127.0.0.1", str(broker.port)]
    with subprocess.Popen(command, env=environment) as bridge:
        yield bridge
        bridge.kill()


def test_home_assistant_finds_and_steers_entrain(server, steered, home_assistant, bridge):
    home = home_assistant
    switch = json.loads(home.wait_for("homeassistant/switch/entrain_effect/config"))
    choice = json.loads(home.wait_for("homeassistant/select/entrain_use/config"))
    sensor = json.loads(home.wait_for("homeassistant/sensor/entrain_rate/config"))
    home.wait_for(switch["availability_topic"], "online")
    home.wait_for(switch["state_topic"], "ON")
    home.wait_for(choice["state_topic"], "default")
    home.wait_for(sensor["state_topic"], "10.0")

    home.say(switch["command_topic"], "OFF")
    home.wait_for(switch["state_topic"], "OFF")
    for payload in ("off", "", "1", b"\xff"):
        home.say(switch["command_topic"], payload)
    home.say(choice["command_topic"], "nonsense")
    home.say(choice["command_topic"], b"\xff")
    home.say(choice["command_topic"], "am:rate_hz=40")
    home.say("entrain/other/set", "focus-16")
    home.say(choice["command_topic"], "calm-10")
    home.wait_for(choice["state_topic"], "calm-10")

    home.say(choice["command_topic"], "none")
    home.wait_for(choice["state_topic"], "none")
    home.wait_for(sensor["state_topic"], "0")

    assert steered.requests == [
        messages.Bypass(on=True),
        messages.Use(protocol="calm-10"),
        messages.Use(protocol="none"),
    ]
    server.close()
    home.wait_for(switch["availability_topic"], "offline")


def test_without_a_broker_the_bridge_says_so_in_one_line(environment):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # without `listen`, so that it refuses
        port = str(taken.getsockname()[1])
        done = subprocess.run(
            [sys.executable, EXAMPLES / "home_assistant.py", "127.0.0.1", port],
            env=environment,
            capture_output=True,
            text=True,
            timeout=60,
        )

    assert done.returncode == 1
    assert done.stderr.startswith(f"no MQTT broker at 127.0.0.1:{port}: ")
    assert "Connection refused" in done.stderr
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize("password", ["right", "wrong"])
def test_the_bridge_has_a_user_and_a_password(server, environment, tmp_path, password):
    users = tmp_path / "users"
    subprocess.run([program("mosquitto_passwd"), "-b", "-c", users, "me", "right"], check=True)
    users.chmod(0o600)
    rules = f"allow_anonymous false\npassword_file {users}"
    broker = Broker(program("mosquitto"), tmp_path, rules)
    home = Home(broker.port, ("me", "right"))
    bridge = subprocess.Popen(
        [sys.executable, EXAMPLES / "home_assistant.py", "127.0.0.1", str(broker.port)],
        env=environment | {"MQTT_USER": "me", "MQTT_PASSWORD": password},
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        if password == "right":
            home.wait_for("entrain/there", "online")
        else:
            assert bridge.stderr
            assert bridge.stderr.readline().startswith(f"the broker at 127.0.0.1:{broker.port} ref")
    finally:
        bridge.kill()
        bridge.communicate()
        home.close()
        broker.kill()


def test_home_assistant_hears_that_the_bridge_was_killed(server, home_assistant, bridge):
    home_assistant.wait_for("entrain/there", "online")

    bridge.send_signal(signal.SIGKILL)

    home_assistant.wait_for("entrain/there", "offline")


def test_a_new_broker_is_told_everything(server, broker, home_assistant, bridge):
    home_assistant.wait_for("entrain/rate", "10.0")
    home_assistant.close()
    broker.kill()
    broker.start()

    home = Home(broker.port)
    try:
        for name, payload in (("there", "online"), ("effect", "ON"), ("use", "default")):
            home.wait_for(f"entrain/{name}", payload)
        home.wait_for("homeassistant/switch/entrain_effect/config")
        home.say("entrain/effect/set", "OFF")
        home.wait_for("entrain/effect", "OFF")
    finally:
        home.close()


# ---- cron ----------------------------------------------------------------------------------------

(TABLE,) = re.findall(r"^```cron\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)
CRON = [re.fullmatch(r"((?:\S+ +){5})(.*)", line) for line in TABLE.splitlines()]


def test_cron_starts_each_line_when_the_page_says():
    sunday = datetime.datetime(2026, 11, 29, 12)
    starts = [
        croniter.croniter(line[1], sunday).get_next(datetime.datetime).strftime("%a %d %H:%M")
        for line in CRON
        if line
    ]
    assert starts == ["Mon 30 08:30", "Mon 30 18:00", "Sun 29 22:30", "Tue 01 00:00"]


@pytest.mark.parametrize("line", CRON, ids=lambda line: line[2])
def test_a_cron_line_runs(line, server, steered, environment, tmp_path):
    """Cron passes a line to the shell, with few variables; it takes % for the end of a line."""
    assert "%" not in line[2]
    program = tmp_path / ".local/bin/entrain"
    program.parent.mkdir(parents=True)
    program.symlink_to(Path(sys.executable).parent / "entrain")

    done = subprocess.run(
        ["/bin/sh", "-c", line[2]],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert (done.returncode, done.stderr) == (0, "")
    if "log" in line[2]:
        assert "protocols" in json.loads((tmp_path / "heard.json").read_text())
    else:
        assert steered.requests[0].command == re.findall(r"entrain (\w+)", line[2])[0]


def test_a_cron_line_without_entrain_says_one_line(environment, tmp_path):
    done = subprocess.run(
        [Path(sys.executable).parent / "entrain", "sleep", "45"],
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
