"""Routes on which PulseAudio's filters and other apps carry sound on from a sink.

A filter stays on the sink that was the default when it was loaded, and a later default does not
move it.  So one that was loaded while Entrain was the default plays to Entrain.
"""

from collections.abc import Iterable, Sequence
from typing import Any

from entrain.ways import Way

_NONE = 0xFFFFFFFF
_HARDWARE = 0x0004
"""``PA_SINK_HARDWARE``."""
_TARGETS = ("sink=", "master=", "sink_master=", "slaves=", "sinks=")
"""Arguments of modules by which somebody has named the device to play on."""


def find_ways(pulse: Any, own_name: str) -> list[Way]:
    """Ask the server for its sinks and streams.

    Parameters
    ----------
    pulse : pulsectl.Pulse
        A connection to PulseAudio.  PipeWire tells the back end more than it tells here.
    own_name : str
        Name of Entrain's sink; no way begins there.

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
    """Return the streams that carry on what is played to a sink."""
    recorders = [item for item in outputs if item.source == sink.monitor_source]
    # A program's own streams have a module, too: the one that lets programs in.
    modules = {item.owner_module for item in recorders if item.client == _NONE}
    modules.add(sink.owner_module)
    # A program that records a loudspeaker's sound and plays is no part of the way to it.
    clients = set() if sink.flags & _HARDWARE else {item.client for item in recorders}
    return [
        item
        for item in inputs
        if (item.owner_module in modules if item.client == _NONE else item.client in clients)
    ]


def _names_a_target(arguments: str) -> bool:
    return any(word.startswith(_TARGETS) for word in arguments.split())
