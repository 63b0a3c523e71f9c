"""Where sound goes on the ways on which other programs carry it."""

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
    """Return the devices on which the sound of a device is heard in the end.

    Parameters
    ----------
    device : str
        The device that is played on.
    ways : sequence of Way
        How other programs carry the sound on.
    default : str
        The default output, as it is or is about to be.
    behind : str
        Where filters play that would lead back to Entrain, or ``""``: see `Plan.behind`.
    known : collection of str
        Devices of which it is known what they are to the ears.  They are heard also where somebody
        records them and plays that elsewhere, and they count where others are heard as well.

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
    """Return the device to which a way leads now, or, while that is none, is about to lead."""
    goes = goes_to(way, default)
    if goes == OWN_DEVICE:
        return behind
    return goes if way.sink in ("", OWN_DEVICE) else way.sink


def goes_to(way: Way, default: str) -> str:
    """Return the device to which a way leads without our pins; ``""``: to none we know."""
    if not way.follows:
        return way.sink
    if default == way.source:  # servers link no filter to itself, but to some other device
        return "" if way.pin else way.sink
    return default


def ways_from(device: str, ways: Sequence[Way], default: str) -> list[Way]:
    """Return all ways on which the sound of a device goes on, however many come one by one."""
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
    """Return the devices whose sound comes to Entrain."""
    return {
        source
        for source in {way.source for way in ways}
        if any(goes_to(way, default) == OWN_DEVICE for way in ways_from(source, ways, default))
    }
