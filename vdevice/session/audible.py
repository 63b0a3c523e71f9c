"""The audible part of a protocol on each kind of output.  Pure functions."""

from collections.abc import Sequence

from entrain.platform.adapter import WITHOUT_HEADPHONES, Form
from entrain.vdevice.protocol.model import Layer, Protocol


def hears_both_ears(form: Form) -> bool:
    """Whether the output can keep both ears apart, as a space needs it."""
    return form not in WITHOUT_HEADPHONES


def is_replaced(protocol: Protocol, form: Form) -> bool:
    """Whether the protocol's layers need headphones, but the output has none."""
    return protocol.requires_headphones and form in WITHOUT_HEADPHONES


def layers(protocol: Protocol, form: Form) -> Sequence[Layer]:
    """Return the layers that play on this kind of output."""
    if is_replaced(protocol, form):
        return protocol.without_headphones or ()
    return protocol.layers


def note(protocol: Protocol, form: Form) -> str:
    """Return a message to the listener, one line, if not all is audible; otherwise ``""``."""
    if not is_replaced(protocol, form):
        return ""
    what = {"mono": "a mono output", "hands-free": "a hands-free headset"}
    where = what.get(form, "loudspeakers")
    if protocol.without_headphones is None:
        return f"{protocol.name} needs headphones; on {where} it is silent"
    return f"{protocol.name} needs headphones; on {where} its alternative plays"
