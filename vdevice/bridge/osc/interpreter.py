"""Carries out OSC messages: sets values, makes requests, and answers.

A message after a request that may change the layers waits for its end, so that a bundle with
`/entrain/use` and values for the new layers works.
"""

import collections
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from entrain.vdevice.bridge.app_mirror import AppMirror, Parameter
from entrain.vdevice.bridge.control_link import ControlLink
from entrain.vdevice.bridge.effect import effect_of
from entrain.vdevice.bridge.osc.advice import NOTHING_MEASURED, advice
from entrain.vdevice.bridge.osc.arrival import Arrival, Outcomes
from entrain.vdevice.bridge.osc.machines import QUIET_S, Machine, Machines, Sender
from entrain.vdevice.bridge.osc.patterns import BadPattern, is_pattern, matcher
from entrain.vdevice.bridge.osc.tree import (
    LEVELS,
    MEASURED,
    ROOT,
    below,
    described,
    parameters,
    values,
)
from entrain.vdevice.bridge.osc.words import RATE_NOW, WORDS, measured
from entrain.vdevice.bridge.osc.writer import MAX_MESSAGE_BYTES, message, packets
from entrain.vdevice.bridge.osc_reader import Message

MAX_HELD = 512
"""Most messages that wait for a request before them."""
MAX_ADDRESS_CHARS = 300
MAX_LISTED = 3
"""Most values that a text names."""
INTERNAL_ERROR = "internal error"
_ROOT_WORDS = ("xmit", "json", "hello")
"""Arguments of the root that are addresses, too."""
_READ_ONLY = "it can only be read"


class Refused(ValueError):
    """The message has no effect; the text says why."""


class NoSuchAddress(Refused):
    """There is nothing at the message's address."""

    def __init__(self) -> None:
        super().__init__("there is no such address")


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
    outcomes : Outcomes
        Takes what becomes of the messages.

    """

    def __init__(
        self,
        app: ControlLink,
        mirror: AppMirror,
        machines: Machines,
        port: int,
        now_s: Callable[[], float],
        outcomes: Outcomes,
    ) -> None:
        self._app, self._mirror, self._machines = app, mirror, machines
        self._port = port
        self._now_s = now_s
        self._outcomes = outcomes
        self._refuse = outcomes.refuse
        self._held: collections.deque[Arrival] = collections.deque()
        self._is_changing_layers = False

    def take(self, message: Message, sender: Sender) -> None:
        """Carry a message out, or hold it until the request before it is done."""
        arrival = Arrival(message, sender)
        if not self._is_changing_layers:
            self._carry_out(arrival)
        elif len(self._held) < MAX_HELD:
            self._held.append(arrival)
        else:
            self._refuse("too many messages wait for the request before them", arrival)

    def _carry_out(self, arrival: Arrival) -> None:
        address = arrival.message.address
        try:
            effect = self._obey(arrival)
        except NoSuchAddress as error:
            self._refuse(str(error), arrival, lambda: advice(self._mirror, address))
        except (Refused, BadPattern, ValueError) as error:
            self._refuse(str(error), arrival)
        except Exception as error:  # the messages behind it are still carried out
            self._refuse(f"{INTERNAL_ERROR}: {type(error).__name__}: {error}", arrival)
        else:
            self._outcomes.carried_out(arrival, effect)

    def _obey(self, arrival: Arrival) -> str:
        """Carry a message out; returns its effect in words."""
        address, arguments = arrival.message.address, arrival.message.arguments
        root, *parts = address[1 : MAX_ADDRESS_CHARS + 2].split("/")
        is_ours = matcher(root)(ROOT) if is_pattern(root) else root == ROOT
        is_long = len(address) > MAX_ADDRESS_CHARS or len(parts) > 2
        if is_long or not is_ours or address.endswith("/"):
            raise NoSuchAddress
        if arguments == ("get",):
            return self._get(parts, arrival)
        if not parts:
            return self._obey_root(arguments, arrival)
        if len(parts) == 2:
            return self._set(parts[0], parts[1], arrival)
        if is_pattern(address):
            raise Refused("a pattern sets parameters, or asks with get")
        if parts[0] in _ROOT_WORDS:
            return self._obey_root((parts[0], *arguments), arrival)
        return self._obey_word(parts[0], arrival)

    def _obey_root(self, arguments: tuple[float | str, ...], arrival: Arrival) -> str:
        match arguments:
            case ("hello",):
                self._answer(arrival, [self._hello(self._reached(arrival.sender))])
                return self._answers
            case ("json",):
                self._ask(arrival, lambda: self._describe(arrival))
                return self._answers
            case ("xmit", 0.0 | 1.0 | 2.0 as mode):
                return self._transmit(int(mode), arrival.sender)
        raise Refused("it takes hello, json, get, or xmit with 0, 1 or 2")

    @property
    def _answers(self) -> str:
        return f"answers at UDP port {self._machines.feedback_port}"

    def _obey_word(self, name: str, arrival: Arrival) -> str:
        word, arguments = WORDS.get(name), arrival.message.arguments
        if name == RATE_NOW:
            raise Refused(f"{_READ_ONLY}; set the layer's own rate, or step with /{ROOT}/rate")
        if word is None:
            raise NoSuchAddress
        if len(arguments) > 1:
            raise Refused("it takes one argument")
        argument = arguments[0] if arguments else None
        if isinstance(argument, float) and not math.isfinite(argument):
            raise Refused("the number is not finite")
        request = word.request(argument)
        if request is None:
            return "nothing to do"
        self._request(request, arrival, word.newest, word.changes_layers)
        return effect_of(request)

    def _request(
        self, request: Mapping[str, object], arrival: Arrival, newest: bool, changes_layers: bool
    ) -> None:
        def done(result: Any, error: str) -> None:
            try:
                if error:
                    self._refuse(error, arrival)
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
            self._carry_out(self._held.popleft())

    # ---- values ------------------------------------------------------------------------------

    def _set(self, layer_part: str, symbol_part: str, arrival: Arrival) -> str:
        found = list(parameters(self._mirror, layer_part, symbol_part))
        if not found:
            if f"{layer_part}/{symbol_part}" in values(self._mirror):
                raise Refused(_READ_ONLY)
            raise NoSuchAddress
        arguments = arrival.message.arguments
        if len(arguments) != 1 or isinstance(arguments[0], str):
            raise Refused("it takes one number, or get")
        number = arguments[0]
        if not math.isfinite(number):
            raise Refused("the number is not finite")
        machine = self._machines.remembered(arrival.sender)
        effects: list[str] = []
        for layer, parameter in found:
            if machine is not None and machine.mode:
                self._note(machine, f"{layer}/{parameter.symbol}", number)
            value = _within(parameter, number)
            if not self._app.set_value(f"{layer}.{parameter.symbol}", value):
                raise Refused("too many requests wait")
            effects.append(f"{layer}.{parameter.symbol} {value:g}")
        return f"set {_listed(effects)}"

    def _note(self, machine: Machine, path: str, number: float) -> None:
        """Remember that the machine knows this value, since it comes from there."""
        try:
            machine.known[path] = message(f"/{ROOT}/{path}", number)
        except OverflowError:  # a number of 64 bits that 32 bits cannot hold
            machine.known.pop(path, None)
        machine.quiet_until_s[path] = self._now_s() + QUIET_S

    # ---- answers -----------------------------------------------------------------------------

    def _ask(self, arrival: Arrival, answer: Callable[[], None]) -> None:
        """Ask the app for its status, after all requests so far, and then answer."""

        def done(result: Any, error: str) -> None:
            if error:
                self._refuse(error, arrival)
            else:
                self._mirror.take(result)
                answer()

        if not self._app.ask({"command": "status"}, done, shared=True):
            raise Refused("too many requests wait")

    def _get(self, parts: list[str], arrival: Arrival) -> str:
        is_meter = parts[:1] in ([MEASURED], [LEVELS])  # known only after the question
        if not is_meter and not any(below(values(self._mirror), parts)):
            if len(parts) == 1 and (parts[0] in WORDS or parts[0] in _ROOT_WORDS):
                raise Refused("it has no value to get")
            raise NoSuchAddress

        def answer() -> None:
            known = values(self._mirror)
            own = [] if parts else self._own(arrival.sender)
            found = [message(f"/{ROOT}/{path}", *known[path]) for path in below(known, parts)]
            if is_meter and not found:
                self._refuse_meter(arrival)
            else:
                self._answer(arrival, [*own, *found])

        self._ask(arrival, answer)
        return self._answers

    def _refuse_meter(self, arrival: Arrival) -> None:
        address = arrival.message.address
        if MEASURED in address.split("/") and not measured(self._mirror.status):
            self._refuse(NOTHING_MEASURED, arrival)
        else:
            self._refuse(str(NoSuchAddress()), arrival, lambda: advice(self._mirror, address))

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

    def _describe(self, arrival: Arrival) -> None:
        text = described(self._mirror, self._reached(arrival.sender), self._port)
        answer = message(f"/{ROOT}", "json", text)
        if len(answer) > MAX_MESSAGE_BYTES:
            self._refuse("the description is too long for a packet", arrival)
        else:
            self._answer(arrival, [answer])

    def _reached(self, sender: Sender) -> str:
        """Return the address of this machine, as the sender reaches it."""
        machine = self._machines.at(sender)
        return machine.own_host if machine else ""

    def _answer(self, arrival: Arrival, messages: list[bytes]) -> None:
        machine = self._machines.at(arrival.sender)
        if machine is None:
            self._refuse("the machine that asks is in no network of this one", arrival)
        elif not self._machines.may_send(machine):
            self._refuse("too much is asked for in a short time", arrival)
        else:
            self._machines.send(machine, packets(messages))

    def _transmit(self, mode: int, sender: Sender) -> str:
        machine = self._machines.at(sender)
        if machine is None:
            raise Refused("this machine cannot be reached")
        if mode and not machine.mode and not self._machines.make_place():
            raise Refused("too many machines get changes")
        machine.mode = mode
        machine.known.clear()
        machine.quiet_until_s.clear()
        self._outcomes.clients_changed()
        if not mode:
            return "sends no more changes"
        return f"sends changes to UDP port {self._machines.feedback_port}"


def _listed(texts: Sequence[str]) -> str:
    """Return a few of the texts, and how many more there are."""
    more = len(texts) - MAX_LISTED
    return ", ".join(texts[:MAX_LISTED]) + (f" and {more} more" if more > 0 else "")


def _within(parameter: Parameter, number: float) -> float:
    """Return the nearest value that the parameter can have, as FAUST does."""
    value = min(max(number, parameter.minimum), parameter.maximum)
    if parameter.choices:
        return min(parameter.choices, key=lambda choice: abs(choice - value))
    return value
