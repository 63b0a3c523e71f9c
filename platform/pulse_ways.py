"""Finds the ways on which PulseAudio's filters and other apps carry sound on from a sink.

A filter stays on the sink that was the default when it was loaded, even if the default changes.
So a filter that was loaded while Entrain was the default plays to Entrain.
"""

from collections.abc import Iterable, Sequence
from typing import Any

from entrain.ways import Way

_NONE = 0xFFFFFFFF
_HARDWARE = 0x0004
"""Value of ``PA_SINK_HARDWARE``."""
_TARGETS = ("sink=", "master=", "sink_master=", "slaves=", "sinks=")
"""Module arguments with which a user has named the device to play on."""


def find_ways(pulse: Any, own_name: str) -> list[Way]:
    """Ask the server for its sinks and streams, and return the ways.

    Parameters
    ----------
    pulse : pulsectl.Pulse
        A connection to PulseAudio.  On PipeWire, the back end knows more than this connection.
    own_name : str
        Name of Entrain's sink; ways from this sink are left out.

    """
    inputs = pulse.sink_input_list()
    sinks = [sink for sink in pulse.sink_list() if sink.name != own_name]
    if not inputs or not sinks:
        return []
    outputs = pulse.source_output_list()
    modules = {module.index: module.argument or "" for module in pulse.module_list()}
    names = {sink.index: sink.name for sink in pulse.sink_list()}
    return [
        Way(
            source=sink.name,
            sink=names.get(item.sink, ""),
            outlet=item.index,
            name=item.proplist.get("media.name", item.name) or "",
            movable=not _names_a_target(modules.get(item.owner_module, "")),
        )
        for sink in sinks
        for item in _outlets(sink, inputs, outputs)
    ]


def _outlets(sink: Any, inputs: Sequence[Any], outputs: Iterable[Any]) -> list[Any]:
    """Return the streams that carry the sound of a sink on."""
    recorders = [item for item in outputs if item.source == sink.monitor_source]
    # Streams of apps have an owner module, too: the module that accepts their connections.
    modules = {item.owner_module for item in recorders if item.client == _NONE}
    modules.add(sink.owner_module)
    # An app that records a real device's monitor and plays sound does not carry that sound on.
    clients = set() if sink.flags & _HARDWARE else {item.client for item in recorders}
    return [
        item
        for item in inputs
        if (item.owner_module in modules if item.client == _NONE else item.client in clients)
    ]


def _names_a_target(arguments: str) -> bool:
    return any(word.startswith(_TARGETS) for word in arguments.split())
