"""Routes on which other apps carry sound on from one device to another."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Way:
    """How another program carries on what is played to a device: an equalizer, a loopback.

    Parameters
    ----------
    source : str
        Name of the device that the sound is played to.
    sink : str
        Name of the device that it is carried on to; ``""`` while that is none.
    outlet : int
        Number of the stream that plays it there; its own for its life only.
    name : str
        Name of that stream.
    follows : bool
        The stream goes where the default output goes.
    movable : bool
        The stream can be sent elsewhere, since it has not asked for a device.
    pin : str
        The device that Entrain has sent it to, where that has to be taken back, or ``""``.

    """

    source: str
    sink: str
    outlet: int = 0
    name: str = ""
    follows: bool = False
    movable: bool = False
    pin: str = ""


def way_of(line: str) -> Way:
    """Read one line of what ``entrain_io_read_ways`` tells."""
    source, sink, outlet, name, letters, pin = line.split("\t")
    return Way(source, sink, int(outlet), name, "f" in letters, "m" in letters, pin)
