"""Events in any order end with Entrain as the default output if it is on."""

from collections import deque
from dataclasses import replace

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from entrain.platform.adapter import OWN_DEVICE
from entrain.vdevice.device.default_policy import DefaultPolicy, Defaults, SetDefault

DEVICES = ("speakers", "headphones")


class Server:
    """A session manager that elects and forgets like WirePlumber, and acts late."""

    def __init__(self) -> None:
        self.configured = ""
        self.history: list[str] = []
        self.devices = set(DEVICES)
        self.queue: deque[str] = deque()

    def configure(self, name: str) -> None:
        self.configured = name
        if name:
            self.history = [name, *(other for other in self.history if other != name)]

    def step(self) -> None:
        if self.queue:
            self.configure(self.queue.popleft())

    def seen(self) -> Defaults:
        present = tuple(name for name in DEVICES if name in self.devices)
        candidates = [*self.history, *present, OWN_DEVICE]
        effective = next(name for name in candidates if name in (*present, OWN_DEVICE))
        return Defaults(self.configured, effective, present)


EVENTS = st.one_of(
    st.tuples(st.sampled_from(["on", "off", "step", "look", "restart"])),
    st.tuples(st.just("choose"), st.sampled_from([*DEVICES, OWN_DEVICE])),
    st.tuples(st.just("mode"), st.sampled_from(["default", "manual", "smart"])),
    st.tuples(st.just("plug"), st.sampled_from(DEVICES)),
    st.tuples(st.just("unplug"), st.sampled_from(DEVICES)),
    st.tuples(st.just("switch"), st.sampled_from(DEVICES)),
)


@settings(deadline=None, max_examples=300)
@given(st.lists(EVENTS, max_size=30), st.booleans())
@example([("switch", "speakers"), ("step",)] * 2 + [("mode", "manual")], True)
@example([("choose", OWN_DEVICE), ("step",), ("choose", OWN_DEVICE), ("mode", "manual")], False)
@example(
    [("on",), ("switch", "speakers"), ("mode", "default"), ("choose", "speakers"), ("on",)], True
)
def test_any_sequence_comes_to_rest_with_on_meaning_default(events, on):
    server, policy, now_s = Server(), DefaultPolicy(on), 0.0
    by_hand = False

    def act(actions) -> bool:
        writes = [action.name for action in actions if isinstance(action, SetDefault)]
        if policy.mode != "default" and writes:
            assert writes[-1] != OWN_DEVICE
        server.queue.extend(writes)
        return bool(actions)

    for event in events:
        now_s += 0.1
        match event:
            case ("on",):
                act(policy.switch_on(server.seen(), now_s))
            case ("off",):
                act(policy.switch_off(server.seen(), now_s))
            case ("step",):
                server.step()
            case ("look",):
                act(policy.observe(server.seen(), now_s))
                assert policy.observe(server.seen(), now_s) == []
            case ("restart",):
                policy.observe(Defaults("", "", ()), now_s)
            case ("choose", name):
                server.configure(name)
                act(policy.observe(server.seen(), now_s))
                by_hand = name == OWN_DEVICE
            case ("mode", name):
                while server.queue:  # a queued change could be taken for a user's choice
                    server.step()
                    act(policy.observe(server.seen(), now_s))
                by_hand &= policy.mode != "default"
                act(policy.set_mode(name, server.seen(), now_s))
            case ("plug", name):
                server.devices.add(name)
            case ("unplug", name):
                server.devices.discard(name)
            case ("switch", name):  # a new device becomes the default (module-switch-on-connect)
                act(policy.observe(server.seen(), now_s))
                was_on, is_new = policy.on, name not in server.devices and not server.queue
                server.devices.add(name)
                server.configure(name)
                act(policy.observe(server.seen(), now_s))
                by_hand = False
                if is_new and policy.mode == "default":
                    assert policy.on == was_on

    for _ in range(20):
        acted = act(policy.observe(server.seen(), now_s)) or bool(server.queue)
        while server.queue:
            server.step()
            act(policy.observe(server.seen(), now_s))
        if not acted and policy.wake_s() is None:
            break
        now_s = policy.wake_s() or now_s
    else:
        pytest.fail("the default does not come to rest")
    if server.devices and policy.mode == "default":
        assert (server.seen().effective == OWN_DEVICE) == policy.on
    elif server.devices and not by_hand:
        assert server.seen().effective != OWN_DEVICE

    act(policy.leave(replace(server.seen(), frees=True), now_s))
    while server.queue:
        server.step()
    assert server.configured in ("", policy.former)
