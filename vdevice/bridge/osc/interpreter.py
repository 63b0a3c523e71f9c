"""Carries out OSC messages: sets values, makes requests, and answers.

A message after a request that may change the layers waits for its end, so that a bundle with
`/entrain/use` and values for the new layers works.
"""

import collections
import math
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from entrain.vdevice.bridge.app_mirror import AppMirror, Parameter
from entrain.vdevice.bridge.control_link import ControlLink
from entrain.vdevice.bridge.osc.machines import QUIET_S, Machine, Machines, Sender
from entrain.vdevice.bridge.osc.patterns import BadPattern, is_pattern, matcher
from entrain.vdevice.bridge.osc.tree import ROOT, below, described, parameters, values
from entrain.vdevice.bridge.osc.words import WORDS
from entrain.vdevice.bridge.osc.writer import MAX_MESSAGE_BYTES, message, packets
from entrain.vdevice.bridge.osc_reader import Message

MAX_HELD = 512
"""Most messages that wait for a request before them."""
MAX_ADDRESS_CHARS = 300
INTERNAL_ERROR = "internal error"


class Refused(ValueError):
    """The message has no effect; the text says why."""


class Interpreter:
    """Carries out messages.

    Parameters
    ----------
    app : ControlLink
        Takes the requests.
    mirror : AppMirror
        Knows what there is to set.
    machines : Machines
        Takes the answers.
    port : int
        Entrain's UDP port, for answers to `hello`.
    now_s : callable
        The clock.
    refuse : callable
        Takes the reason of each refusal.
    clients_changed : callable
        Is called when a machine becomes a client, or is one no more.

    """

    def __init__(
        self,
        app: ControlLink,
        mirror: AppMirror,
        machines: Machines,
        port: int,
        now_s: Callable[[], float],
        refuse: Callable[[str], None],
        clients_changed: Callable[[], None],
    ) -> None:
        self._app, self._mirror, self._machines = app, mirror, machines
        self._port = port
        self._now_s = now_s
        self._refuse = refuse
        self._clients_changed = clients_changed
        self._held: collections.deque[tuple[Message, Sender]] = collections.deque()
        self._is_changing_layers = False

    def take(self, message: Message, sender: Sender) -> None:
        """Carry a message out, or hold it until the request before it is done."""
        if not self._is_changing_layers:
            self._carry_out(message, sender)
        elif len(self._held) < MAX_HELD:
            self._held.append((message, sender))
        else:
            self._refuse("too many messages wait for the request before them")

    def _carry_out(self, message: Message, sender: Sender) -> None:
        try:
            self._obey(message, sender)
        except (Refused, BadPattern, ValueError) as error:
            self._refuse(f"{message.address[:80]}: {error}")
        except Exception as error:  # the messages behind it are still carried out
            self._refuse(f"{INTERNAL_ERROR}: {type(error).__name__}: {error}")

    def _obey(self, message: Message, sender: Sender) -> None:
        address, arguments = message.address, message.arguments
        root, *parts = address[1 : MAX_ADDRESS_CHARS + 2].split("/")
        is_ours = matcher(root)(ROOT) if is_pattern(root) else root == ROOT
        if len(address) > MAX_ADDRESS_CHARS or not is_ours or len(parts) > 2:
            raise Refused("there is no such address")
        if arguments == ("get",):
            self._get(parts, sender)
        elif not parts:
            self._obey_root(arguments, sender)
        elif len(parts) == 2:
            self._set(parts[0], parts[1], arguments, sender)
        elif is_pattern(address):
            raise Refused("a pattern sets parameters, or asks with get")
        elif parts[0] in ("xmit", "json", "hello"):
            self._obey_root((parts[0], *arguments), sender)
        else:
            self._obey_word(parts[0], arguments)

    def _obey_root(self, arguments: tuple[float | str, ...], sender: Sender) -> None:
        match arguments:
            case ("hello",):
                self._answer(sender, [self._hello(self._reached(sender))])
            case ("json",):
                self._ask(lambda: self._describe(sender))
            case ("xmit", 0.0 | 1.0 | 2.0 as mode):
                self._transmit(int(mode), sender)
            case _:
                raise Refused("it takes hello, json, get, or xmit with 0, 1 or 2")

    def _obey_word(self, name: str, arguments: tuple[float | str, ...]) -> None:
        word = WORDS.get(name)
        if word is None:
            raise Refused("there is no such address")
        if len(arguments) > 1:
            raise Refused("it takes one argument")
        argument = arguments[0] if arguments else None
        if isinstance(argument, float) and not math.isfinite(argument):
            raise Refused("the number is not finite")
        request = word.request(argument)
        if request is None:
            return
        self._request(request, word.newest, word.changes_layers)

    def _request(self, request: Mapping[str, object], newest: bool, changes_layers: bool) -> None:
        def done(result: Any, error: str) -> None:
            try:
                if error:
                    self._refuse(error)
                else:
                    self._mirror.take(result)
            finally:
                if changes_layers:
                    self._go_on()

        self._is_changing_layers = changes_layers
        if not self._app.ask(request, done, newest=newest):
            self._is_changing_layers = False
            raise Refused("too many requests wait")

    def _go_on(self) -> None:
        """Carry out the messages that have waited."""
        self._is_changing_layers = False
        while self._held and not self._is_changing_layers:
            self._carry_out(*self._held.popleft())

    # ---- values ------------------------------------------------------------------------------

    def _set(
        self, layer_part: str, symbol_part: str, arguments: tuple[float | str, ...], sender: Sender
    ) -> None:
        if len(arguments) != 1 or isinstance(arguments[0], str):
            raise Refused("it takes one number, or get")
        number = arguments[0]
        if not math.isfinite(number):
            raise Refused("the number is not finite")
        found = list(parameters(self._mirror, layer_part, symbol_part))
        if not found:
            raise Refused("there is no such address")
        machine = self._machines.remembered(sender)
        for layer, parameter in found:
            if machine is not None and machine.mode:
                self._note(machine, f"{layer}/{parameter.symbol}", number)
            value = _within(parameter, number)
            if not self._app.set_value(f"{layer}.{parameter.symbol}", value):
                raise Refused("too many requests wait")

    def _note(self, machine: Machine, path: str, number: float) -> None:
        """Remember that the machine knows this value, since it comes from there."""
        try:
            machine.known[path] = message(f"/{ROOT}/{path}", number)
        except OverflowError:  # a number of 64 bits that 32 bits cannot hold
            machine.known.pop(path, None)
        machine.quiet_until_s[path] = self._now_s() + QUIET_S

    # ---- answers -----------------------------------------------------------------------------

    def _ask(self, answer: Callable[[], None]) -> None:
        """Ask the app for its status, after all requests so far, and then answer."""

        def done(result: Any, error: str) -> None:
            if error:
                self._refuse(error)
            else:
                self._mirror.take(result)
                answer()

        if not self._app.ask({"command": "status"}, done, shared=True):
            raise Refused("too many requests wait")

    def _get(self, parts: list[str], sender: Sender) -> None:
        known = values(self._mirror)
        if not any(below(known, parts)):
            raise Refused("there is no such address")

        def answer() -> None:
            known = values(self._mirror)
            own = [] if parts else self._own(sender)
            found = (message(f"/{ROOT}/{path}", *known[path]) for path in below(known, parts))
            self._answer(sender, [*own, *found])

        self._ask(answer)

    def _own(self, sender: Sender) -> Iterator[bytes]:
        """Yield the root's own state, as FAUST does."""
        machine, feedback_port = self._machines.at(sender), self._machines.feedback_port
        yield message(f"/{ROOT}", "xmit", machine is not None and machine.mode > 0)
        yield message(f"/{ROOT}", "desthost", str(sender[0]))
        yield message(f"/{ROOT}", "outport", feedback_port)
        yield message(f"/{ROOT}", "errport", feedback_port + 1)

    def _hello(self, host: str) -> bytes:
        out = self._machines.feedback_port
        return message(f"/{ROOT}", host, self._port, out, out + 1)

    def _describe(self, sender: Sender) -> None:
        text = described(self._mirror, self._reached(sender), self._port)
        answer = message(f"/{ROOT}", "json", text)
        if len(answer) > MAX_MESSAGE_BYTES:
            self._refuse(f"/{ROOT} json: the description is too long for a packet")
        else:
            self._answer(sender, [answer])

    def _reached(self, sender: Sender) -> str:
        """Return the address of this machine, as the sender reaches it."""
        machine = self._machines.at(sender)
        return machine.own_host if machine else ""

    def _answer(self, sender: Sender, messages: list[bytes]) -> None:
        machine = self._machines.at(sender)
        if machine is None:
            self._refuse("the machine that asks is in no network of this one")
        elif not self._machines.may_send(machine):
            self._refuse("too much is asked for in a short time")
        else:
            self._machines.send(machine, packets(messages))

    def _transmit(self, mode: int, sender: Sender) -> None:
        machine = self._machines.at(sender)
        if machine is None:
            raise Refused("this machine cannot be reached")
        if mode and not machine.mode and self._machines.is_full:
            raise Refused("too many machines get changes")
        machine.mode = mode
        machine.known.clear()
        machine.quiet_until_s.clear()
        self._clients_changed()


def _within(parameter: Parameter, number: float) -> float:
    """Return the nearest value that the parameter can have, as FAUST does."""
    value = min(max(number, parameter.minimum), parameter.maximum)
    if parameter.choices:
        return min(parameter.choices, key=lambda choice: abs(choice - value))
    return value
