"""The page, the tray, the command line and OSC steer one Entrain at the same time."""

import json
import os
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from typing import Any

import app
import osc_packets
import pytest
import soon
import soundlab
from open_dashboard import page_link
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection

from entrain.tray.icon.tray_icon import WATCH_INTERVAL_S, WATCHED
from entrain.vdevice.api.client import Client, ClientError
from entrain.vdevice.bridge.osc_reader import read_packet

SOAK = os.environ.get("ENTRAIN_SOAK") == "1"
TWO_TONES = (
    *("--layer", "one=binaural:carrier_hz=300,beat_hz=5"),
    *("--layer", "two=binaural:carrier_hz=400,beat_hz=5"),
)
CHANGES = 1000
"""Changes from each client."""
CHANGES_PER_S = 100.0
DRAG_PER_S = 60.0
DRAG_S = 60.0 if SOAK else 5.0
ATTEMPTS = 2 if SOAK else 3

Values = dict[str, float]


def values_of(protocol: Any) -> Values:
    """Return the values of all layers by address."""
    return {
        f"{layer['id']}.{symbol}": value
        for layer in protocol["layers"]
        for symbol, value in layer["params"].items()
    }


class Seen:
    """The values that one front end has shown, with the times."""

    def __init__(self) -> None:
        self.values: list[tuple[float, Values]] = []

    def take(self, status: Any) -> None:
        """Note the protocol's values, if they are among the news."""
        if protocol := status.get("protocol"):
            self.values.append((time.monotonic(), values_of(protocol)))

    @property
    def last(self) -> Values:
        return self.values[-1][1] if self.values else {}

    def delays_s(self, address: str, changes: list[tuple[float, float]]) -> list[float]:
        """Return after which time each of these growing values, or a later one, was shown."""
        shown = iter([(at_s, values.get(address, 0.0)) for at_s, values in self.values])
        at_s, value = next(shown)
        delays_s = []
        for changed_s, wanted in changes:
            while value < wanted - 1e-9:
                at_s, value = next(shown)
            delays_s.append(max(0.0, at_s - changed_s))
        return delays_s


class Page:
    """The page's end of its WebSocket."""

    def __init__(self, link: ClientConnection, seen: Seen) -> None:
        self._link = link
        self._seen = seen
        self._answers: dict[int, Any] = {}
        self._has_answer = threading.Condition()
        self._number = 0
        threading.Thread(target=self._read, daemon=True).start()

    def ask(self, command: str, **fields: object) -> Any:
        """Send a request and wait for its answer."""
        number = self._number = self._number + 1
        self._link.send(json.dumps({"id": number, "command": command, "fields": fields}))
        with self._has_answer:
            assert self._has_answer.wait_for(lambda: number in self._answers, 20)
            answer = self._answers.pop(number)
        assert answer["ok"], answer
        return answer["result"]

    def _read(self) -> None:
        try:
            for message in self._link:
                if not isinstance(message, str):
                    continue
                told = json.loads(message)
                if told.get("event") == "status":
                    self._seen.take(told["status"])
                elif "id" in told:
                    with self._has_answer:
                        self._answers[told["id"]] = told
                        self._has_answer.notify()
        except ConnectionClosed:
            return


def paced(per_s: float, count: int) -> Iterator[int]:
    """Count from 1, this often a second; a late program catches up."""
    begin_s = time.monotonic()
    for number in range(1, count + 1):
        time.sleep(max(0.0, begin_s + number / per_s - time.monotonic()))
        yield number


def followed(client: Client, news: Iterator[Any], seen: Seen) -> None:
    def follow() -> None:
        try:
            for each in news:
                seen.take(each.parts if hasattr(each, "parts") else each)
        except ClientError:
            return

    threading.Thread(target=follow, daemon=True).start()


@contextmanager
def osc(client: Client, seen: Seen) -> Iterator[Callable[[Values], object]]:
    """Ask for changes by OSC; yield a function that sends values."""
    with ExitStack() as opened:
        out, back = (
            opened.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) for _ in range(2)
        )
        for each in (out, back):
            each.bind(("127.0.0.1", 0))
        back.settimeout(0.2)
        port, feedback = (each.getsockname()[1] for each in (out, back))
        out.close()
        out = opened.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
        client.ask("osc", on=True, port=port, feedback_port=feedback)
        soundlab.wait_until(lambda: client.ask("status")["osc"]["listening"], 10, "OSC listens")
        ended = threading.Event()

        def follow() -> None:
            values: Values = {}
            while not ended.is_set():
                with suppress(TimeoutError):
                    for message in read_packet(back.recv(1 << 16)):
                        _, _, *path = message.address.split("/")
                        if len(path) == 2:
                            # 32 bits have fewer digits.
                            values[".".join(path)] = round(float(message.arguments[0]), 2)
                    seen.values.append((time.monotonic(), dict(values)))

        thread = threading.Thread(target=follow)
        thread.start()

        def send(values: Values) -> None:
            for address, value in values.items():
                path = address.replace(".", "/")
                packet = osc_packets.message(f"/entrain/{path}", value)
                out.sendto(packet, ("127.0.0.1", port))

        out.sendto(osc_packets.message("/entrain", "xmit", 2), ("127.0.0.1", port))
        soundlab.wait_until(lambda: client.ask("status")["osc"]["clients"], 10, "changes by OSC")
        try:
            yield send
        finally:
            ended.set()
            thread.join()


@pytest.mark.slow
def test_a_thousand_changes_from_each_are_soon_seen_by_all(pipewire_server):
    environment = pipewire_server.environment
    seen = {name: Seen() for name in ("page", "tray", "command line", "OSC")}
    with app.running(environment, *TWO_TONES) as entrain, ExitStack() as opened:
        path = app.control_socket(environment)
        clients = [opened.enter_context(Client(path)) for _ in range(5)]
        page = Page(opened.enter_context(page_link(environment)), seen["page"])
        page.ask("subscribe", status=["protocol", "position", "levels"], samples=False)
        watches = (
            clients[0].watch_parts(WATCHED, WATCH_INTERVAL_S, prompt=True),
            clients[1].watch(0.05, changes_only=True),
        )
        for client, news, name in zip(clients, watches, ("tray", "command line"), strict=False):
            followed(client, news, seen[name])
            opened.callback(client.hang_up)

        by_osc = opened.enter_context(osc(clients[4], seen["OSC"]))
        senders: dict[str, Callable[[Values], object]] = {
            "one.beat_hz": by_osc,
            "one.carrier_hz": lambda values: page.ask("set", values=values),
            "two.carrier_hz": lambda values: clients[2].set_values(values),
            "two.beat_hz": lambda values: clients[3].set_values(values),
        }
        made: dict[str, list[tuple[float, float]]] = {address: [] for address in senders}

        def change(address: str) -> None:
            first = {"carrier_hz": 500.0, "beat_hz": 5.0}[address.partition(".")[2]]
            for number in paced(CHANGES_PER_S, CHANGES):
                value = round(first + number / 100, 2)
                senders[address]({address: value})
                made[address].append((time.monotonic(), value))

        threads = [threading.Thread(target=change, args=[address]) for address in senders]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(120)

        wanted = {address: changes[-1][1] for address, changes in made.items()}
        assert [len(changes) for changes in made.values()] == [CHANGES] * 4
        for name, each in seen.items():
            own = {"one.beat_hz"} if name == "OSC" else set()  # its own values are not sent back
            expected = {key: value for key, value in wanted.items() if key not in own}
            soundlab.wait_until(
                lambda each=each, expected=expected: expected.items() <= each.last.items(),
                5,
                f"all values: {name}",
            )
        assert wanted.items() <= values_of(entrain.status()["protocol"]).items()
        assert seen["page"].last == seen["tray"].last == seen["command line"].last
    for name, each in seen.items():
        for address, changes in made.items():
            if name == "OSC" and senders[address] is by_osc:
                continue
            late_s = soon.delay_s(each.delays_s(address, changes), soon.SHARE)
            assert late_s <= soon.SHOWN_S, f"{address} at the {name}: {late_s:.3f} s"


@pytest.mark.slow
def test_a_dragged_slider_causes_no_gap_in_the_sound(pipewire_server):
    """A busy machine causes gaps, too, so some attempts may fail."""
    environment = pipewire_server.environment
    gaps = []
    with (
        app.running(environment, *TWO_TONES, *app.PATIENT["pipewire"]) as entrain,
        soundlab.play(environment, soundlab.sine(1000, 2 * DRAG_S * ATTEMPTS + 30, 0.02)),
        page_link(environment) as link,
    ):
        entrain.wait_for(state="processing")
        page = Page(link, Seen())
        page.ask("subscribe", status=["protocol", "position", "levels"], samples=True)
        for _ in range(ATTEMPTS):
            before = entrain.status()["xruns"]
            time.sleep(DRAG_S)
            between = entrain.status()["xruns"]
            for number in paced(DRAG_PER_S, round(DRAG_PER_S * DRAG_S)):
                value = 5 + 5 * abs(number % 120 - 60) / 60
                page.ask("set", values={"one.beat_hz": value})
            gaps.append((between - before, entrain.status()["xruns"] - between))
            if gaps[-1][1] <= gaps[-1][0]:
                return
    raise AssertionError(f"gaps without and with a dragged slider: {gaps}")
