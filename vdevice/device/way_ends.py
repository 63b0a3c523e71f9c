"""Follows the ways on which other apps' filters carry sound."""

from collections.abc import Collection, Sequence

from entrain.platform.adapter import OWN_DEVICE
from entrain.ways import Way


def ends(
    device: str,
    ways: Sequence[Way],
    default: str,
    behind: str = "",
    known: Collection[str] = (),
) -> tuple[str, ...]:
    """Return the devices that finally play the sound of a device.

    Parameters
    ----------
    device : str
        The first device.
    ways : sequence of Way
        The ways on which other apps carry the sound.
    default : str
        The default output, present or about to be set by Entrain.
    behind : str
        Device of filters that would lead back to Entrain, or ``""``; see `Plan.behind`.
    known : collection of str
        Devices whose form is known.  They are heard even if an app records them and plays that
        elsewhere, and they take precedence over other devices.

    """
    found = []
    seen = {device}
    for name in (todo := [device] if device else []):
        onward = [_is_heard_on(way, default, behind) for way in ways if way.source == name]
        if not onward or name in known:
            found.append(name)
        for to in onward:
            if to and to not in seen:
                seen.add(to)
                todo.append(to)
    return tuple(name for name in found if name in known) or tuple(found)


def _is_heard_on(way: Way, default: str, behind: str) -> str:
    """Return the device to which a way leads now, or is about to lead."""
    goes = goes_to(way, default)
    if goes == OWN_DEVICE:
        return behind
    return goes if way.sink in ("", OWN_DEVICE) else way.sink


def goes_to(way: Way, default: str) -> str:
    """Return the device to which a way leads without Entrain's pins; ``""``: none that is known."""
    if not way.follows:
        return way.sink
    if default == way.source:  # servers never link a filter to itself
        return "" if way.pin else way.sink
    return default


def ways_from(device: str, ways: Sequence[Way], default: str) -> list[Way]:
    """Return all ways that the sound of a device takes, one after the other."""
    found: list[Way] = []
    seen = {device}
    for name in (todo := [device]):
        for way in ways:
            if way.source != name:
                continue
            found.append(way)
            to = goes_to(way, default)
            if to and to not in seen:
                seen.add(to)
                todo.append(to)
    return found


def sources_leading_back(ways: Sequence[Way], default: str) -> set[str]:
    """Return the devices whose sound leads back to Entrain."""
    return {
        source
        for source in {way.source for way in ways}
        if any(goes_to(way, default) == OWN_DEVICE for way in ways_from(source, ways, default))
    }
