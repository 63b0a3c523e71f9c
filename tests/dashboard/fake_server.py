"""A server of the page with a made-up Entrain behind it, whose status a test decides.

It speaks to the page as Entrain's own server does, and answers requests as Entrain does, as far as
the page can tell the difference.  It runs in a thread of its own.
"""

import asyncio
import copy
import json
import mimetypes
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http import HTTPStatus
from typing import Any

import numpy as np
from fake_content import ROOT, Json, blocks, documents, first_status
from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.datastructures import Headers
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response

from entrain.tray.dashboard.door import POLICY

PAGE = ROOT / "tray/dashboard/page"
PACKETS_PER_S = 30


class Refusal(Exception):
    """Entrain refuses a request, with one line."""


class FakeEntrain:
    """The made-up Entrain.  Its methods may be called from any thread."""

    def __init__(self) -> None:
        self.status = first_status()
        self.documents = documents()
        self.own: set[str] = set()
        self.blocks = blocks()
        self.asked: list[Json] = []
        """The requests so far, without those to subscribe."""
        self.subscriptions: list[Json] = []
        self.url = ""
        self.pages: dict[ServerConnection, Json] = {}
        self.refusal = ""
        """Reason for which pages may not connect, or empty."""
        self.mappings: list[Json] = []
        self.refusals: dict[str, str] = {}
        """Lines that refuse commands, by command."""
        self._past: list[Json] = []
        self._future: list[Json] = []
        self._loop = asyncio.new_event_loop()
        self._told: Json = {}
        self._server: Server | None = None
        self.sound: Callable[[int, int], np.ndarray] | None = None
        """Input and output from a frame on, (2, frames, 2); None: no packets."""
        self._use(self.documents["focus-16"])

    # ---- what a test does ------------------------------------------------------------------

    def begin_again(self) -> None:
        """Be as new; pages that are open learn of it."""

        async def begin() -> None:
            self.status, self.documents, self.own = first_status(), documents(), set()
            self.asked.clear()
            self.refusal = ""
            self.refusals.clear()
            self._past, self._future, self.sound, self.mappings = [], [], None, []
            self._use(self.documents["focus-16"])
            self._tell(["tray"])

        asyncio.run_coroutine_threadsafe(begin(), self._loop).result(10)

    def change(self, **parts: Any) -> None:
        """Change parts of the status; every page learns of them."""
        self.status.update(copy.deepcopy(parts))
        self._loop.call_soon_threadsafe(self._tell, ["tray"])

    def commands(self, name: str) -> list[Json]:
        """Return the fields of all requests of this command so far."""
        return [each for each in list(self.asked) if each["command"] == name]

    def call(self, command: str, **fields: Any) -> Any:
        """Ask as another client would; every page learns of the change."""
        result = self._answer({"command": command, **fields})
        self._loop.call_soon_threadsafe(self._tell, ["cli"])
        return result

    def hang_up(self, reason: str = "") -> None:
        """Close all connections, as a server does that ends; refuse further ones if it says why."""
        self.refusal = reason
        for page in list(self.pages):
            closing = page.close(1001, reason)
            asyncio.run_coroutine_threadsafe(closing, self._loop).result(10)

    def leave(self, reason: str) -> None:
        """Let Entrain end, or with an empty reason come back."""
        event = {"event": "app", "there": not reason, "reason": reason}
        for page in list(self.pages):
            asyncio.run_coroutine_threadsafe(page.send(json.dumps(event)), self._loop).result(10)

    # ---- the server ------------------------------------------------------------------------

    def run(self, started: threading.Event) -> None:
        """Serve until `stop`."""

        async def serve_pages() -> None:
            self._stopped = asyncio.Event()
            async with serve(self._talk, "127.0.0.1", 0, process_request=_answer_get) as server:
                self.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
                started.set()
                sender = asyncio.create_task(self._send_sound())
                await self._stopped.wait()
                sender.cancel()

        asyncio.set_event_loop(self._loop)
        self._loop.run_until_complete(serve_pages())
        self._loop.close()

    def stop(self) -> None:
        self._loop.call_soon_threadsafe(self._stopped.set)

    async def _talk(self, page: ServerConnection) -> None:
        if self.refusal:
            await page.close(1013, self.refusal)
            return
        self.pages[page] = {"status": None, "samples": False}
        hello = {"event": "hello", "client": "dashboard-1", "version": self.status["version"]}
        await page.send(json.dumps(hello))
        await page.send(json.dumps({"event": "app", "there": True, "reason": ""}))
        try:
            async for text in page:
                request = json.loads(text)
                number = request["id"]
                request = {"command": request["command"], **request["fields"]}
                if request["command"] == "subscribe":
                    self.pages[page] = request
                    self.subscriptions.append(request)
                    await page.send(json.dumps({"id": number, "ok": True, "result": None}))
                    self._send(page, self.status, [])
                    continue
                try:
                    self.asked.append(request)
                    answer = {"id": number, "ok": True, "result": self._answer(request)}
                except Refusal as refusal:
                    answer = {"id": number, "ok": False, "error": str(refusal)}
                self._tell(["dashboard-1"])
                await page.send(json.dumps(answer))
        except ConnectionClosed:  # while it was being answered
            pass
        finally:
            del self.pages[page]

    def _tell(self, causes: list[str]) -> None:
        changed = {k: v for k, v in self.status.items() if self._told.get(k, ()) != v}
        self._told = copy.deepcopy(self.status)
        for page in list(self.pages):
            self._send(page, changed, causes)

    def _send(self, page: ServerConnection, parts: Json, causes: list[str]) -> None:
        wanted = self.pages[page]["status"] or []
        parts = {name: parts[name] for name in wanted if name in parts}
        if parts:
            event = {"event": "status", "status": parts, "caused_by": causes}
            task = self._loop.create_task(page.send(json.dumps(event)))
            task.add_done_callback(lambda done: done.exception())

    async def _send_sound(self) -> None:
        rate_hz, first = 48000, 0
        frames = rate_hz // PACKETS_PER_S
        while True:
            await asyncio.sleep(1 / PACKETS_PER_S)
            if self.sound is None:
                continue
            content = np.ascontiguousarray(self.sound(first, frames), "<f4").tobytes()
            packet = struct.pack("<QII", first, frames, rate_hz) + content
            first += frames
            for page, wants in list(self.pages.items()):
                if wants.get("samples"):
                    task = self._loop.create_task(page.send(packet))
                    task.add_done_callback(lambda done: done.exception())

    # ---- answers ---------------------------------------------------------------------------

    def _answer(self, request: Json) -> Any:
        fields = {name: value for name, value in request.items() if name != "command"}
        method = getattr(self, "_do_" + request["command"], None)
        if method is None:
            raise Refusal(f"command must not be {request['command']}")
        if line := self.refusals.get(request["command"]):
            raise Refusal(line)
        result = method(**fields)
        return copy.deepcopy(self.status) if result is None else result

    def _do_status(self) -> None:
        pass

    def _do_blocks(self) -> Json:
        return self.blocks

    def _do_heads(self) -> Json:
        return {
            "heads": [
                {"id": "kemar", "title": "a dummy head", "built_in": True},
                {"id": "my-ears", "title": "My ears", "built_in": False},
            ]
        }

    def _do_protocols(self) -> Json:
        listed = []
        for each in self.documents.values():
            evidence = each.get("evidence") or {}
            listed.append(
                {
                    "id": each["id"],
                    "name": each["name"],
                    "category": each["category"],
                    "own": each["id"] in self.own,
                    "following": evidence.get("following"),
                    "outcome": evidence.get("outcome"),
                    "requires_headphones": each.get("requires_headphones", False),
                }
            )
        return {"protocols": listed, "recent": ["focus-16", "default"], "problems": []}

    def _do_protocol(self, id: str) -> Json:
        if id not in self.documents:
            raise Refusal(f"there is no protocol '{id}'")
        return {"document": self.documents[id], "own": id in self.own}

    def _do_use(self, protocol: str) -> None:
        self._remember()
        self._use(self.documents[protocol])

    def _do_next(self) -> None:
        self._do_use("focus-18")

    def _do_bypass(self, on: bool, matched: bool = False) -> None:
        assert matched
        self.status["bypass"] = on
        self.status["state"] = "bypassed" if on else "processing"

    def _do_on(self) -> None:
        self.status.update(on=True, state="processing")

    def _do_off(self) -> None:
        self.status.update(on=False, state="off")

    def _do_sleep(self, minutes: float | None) -> None:
        self.status["sleep_left_s"] = minutes and 60 * minutes

    def _do_session(self, runs: bool | None = None, position_s: float | None = None) -> None:
        if runs is not None:
            self.status["protocol"]["runs"] = runs
        if position_s is not None:
            self.status["position"] = {**self.status["position"], "elapsed_s": position_s}

    def _do_adjust(self, rate_steps: int = 0, level_steps: int = 0) -> None:
        pass

    def _do_output(self, name: str | None) -> None:
        self.status["chosen_output"] = name or ""
        for each in self.status["outputs"]:
            each["current"] = each["name"] == (name or "headphones")

    def _do_settings(self, **changed: Any) -> None:
        space = changed.pop("space", {})
        if "mode" in space:
            self.status["space"].update(setting=space["mode"], mode=space["mode"])
        if "hrtf" in changed:
            self.status["space"].update(hrtf=changed["hrtf"])
        self.status.update(changed)

    def _do_tracking(self, **changed: Any) -> None:
        self.status["head"].update(changed)

    def _do_recentre(self) -> None:
        pass

    def _do_midi(self, on: bool) -> None:
        self.status["midi"] = {**self.status["midi"], "on": on, "devices": ["Knobs"] if on else []}

    def _do_midi_learn(self, target: str | None) -> None:
        learning = target and {"target": target, "heard": ""}
        self.status["midi"] = {**self.status["midi"], "learning": learning, "learned": None}

    def _do_midi_forget(self, target: str, control: Json) -> None:
        gone = {**control, "target": target}
        self.map_controls([each for each in self.mappings if each != gone])

    def _do_midi_mappings(self) -> Json:
        return {"mappings": self.mappings}

    def map_controls(self, mappings: list[Json]) -> None:
        """Replace all mappings, as another client can."""
        self.mappings = mappings
        midi = self.status["midi"]
        news = {"mappings": len(mappings), "revision": midi["revision"] + 1}
        self.change(midi={**midi, **news})

    def move_control(self, control: Json) -> None:
        """Move a control while the page learns."""
        learned = {**control, "target": self.status["midi"]["learning"]["target"]}
        self.change(midi={**self.status["midi"], "learning": None, "learned": learned})
        self.map_controls([*self.mappings, learned])

    def _do_save(self, name: str, replace: bool = False) -> None:
        key = name.lower().replace(" ", "-")
        self.documents[key] = {**self.documents["focus-16"], "id": key, "name": name}
        self.documents[key]["category"] = "own"
        self.own.add(key)

    def _do_delete(self, id: str) -> None:
        del self.documents[id]
        self.own.discard(id)

    def _do_rename(self, id: str, name: str) -> None:
        self.documents[id]["name"] = name

    def _do_set(self, values: dict[str, float]) -> Json:
        for address, value in values.items():
            layer_id, symbol = address.split(".")
            kind = self._kind(layer_id)
            parameters = [each for each in self.blocks["blocks"] if each["kind"] == kind]
            known = parameters[0]["parameters"] + self.blocks["place"]
            parameter = next(each for each in known if each["symbol"] == symbol)
            low, high = parameter["minimum"], parameter["maximum"]
            if not low <= value <= high:
                unit = parameter["unit"]
                raise Refusal(
                    f"{layer_id}: {symbol} = {value:g} is outside {low:g} … {high:g} {unit}"
                )
        self._remember()
        self.status["protocol"] = copy.deepcopy(self.status["protocol"])
        for address, value in values.items():
            layer_id, symbol = address.split(".")
            if layer_id == "space":
                self.status["space"]["params"][symbol] = value
                continue
            for layer in self.status["protocol"]["layers"]:
                if layer["id"] == layer_id:
                    place = layer["place"]
                    (place if place and symbol in place else layer["params"])[symbol] = value
        return {"values": values}

    def _kind(self, layer_id: str) -> str:
        if layer_id in ("pre", "limiter"):
            return layer_id
        if layer_id == "space":
            return str(self.status["space"]["mode"])
        layers = self.status["protocol"]["layers"]
        return next(str(each["kind"]) for each in layers if each["id"] == layer_id)

    def _do_undo(self) -> None:
        if not self._past:
            raise Refusal("there is nothing to undo")
        self._future.append(copy.deepcopy(self.status["protocol"]))
        self._restore(self._past.pop())

    def _do_redo(self) -> None:
        self._past.append(copy.deepcopy(self.status["protocol"]))
        self._restore(self._future.pop())

    def _restore(self, protocol: Json) -> None:
        self.status["protocol"] = protocol
        self._count()

    def _remember(self) -> None:
        self._past.append(copy.deepcopy(self.status["protocol"]))
        self._future.clear()
        self._count()

    def _count(self) -> None:
        self.status["revision"] += 1
        self.status.update(
            can_undo=bool(self._past),
            undo_text="Depth 0.5" if self._past else "",
            can_redo=bool(self._future),
            redo_text="Depth 0.51" if self._future else "",
        )

    def _use(self, document: Json) -> None:
        by_kind = {each["kind"]: each for each in self.blocks["blocks"]}
        rate, layers = None, []
        for layer in document["layers"]:
            params = {**layer.get("params", {})}
            block = by_kind[layer["kind"]]
            if rate is None and block["rate"]:
                initial = next(
                    each["initial"]
                    for each in block["parameters"]
                    if each["symbol"] == block["rate"]
                )
                rate = params.get(block["rate"], initial)
            layers.append(
                {
                    "kind": layer["kind"],
                    "id": layer.get("id", layer["kind"]),
                    "params": params,
                    "automation": layer.get("automation", {}),
                    "place": layer.get("place"),
                }
            )
        minutes = document.get("max_minutes")
        left_s = minutes and 60.0 * minutes - 320
        self.status["position"] = {"elapsed_s": 320.0, "left_s": left_s}
        self.status["protocol"] = {
            "id": document["id"],
            "name": document["name"],
            "elapsed_s": 320.0,
            "left_s": left_s,
            "runs": True,
            "ended": False,
            "rate_hz": rate,
            "note": "",
            "here": False,
            "layers": layers,
        }


def _answer_get(_: ServerConnection, request: Request) -> Response | None:
    """Answer with a file of the page; None for the WebSocket."""
    path = request.path.partition("?")[0]
    if path == "/ws":
        return None
    file = PAGE / ("index.html" if path == "/" else path.lstrip("/"))
    if not file.is_file():
        return Response(HTTPStatus.NOT_FOUND, "Not Found", Headers(), b"")
    content = file.read_bytes()
    headers = Headers(
        [
            ("Content-Type", mimetypes.guess_type(file.name)[0] or "text/plain"),
            ("Content-Length", str(len(content))),
            ("Content-Security-Policy", POLICY),
            ("Connection", "close"),
        ]
    )
    return Response(HTTPStatus.OK, "OK", headers, content)


@contextmanager
def fake_entrain() -> Iterator[FakeEntrain]:
    """Serve the page until the end of the block."""
    fake, started = FakeEntrain(), threading.Event()
    thread = threading.Thread(target=fake.run, args=[started])
    thread.start()
    assert started.wait(10)
    try:
        yield fake
    finally:
        fake.stop()
        thread.join(10)
