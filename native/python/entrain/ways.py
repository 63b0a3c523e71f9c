"""Ways on which other programs carry sound from one device to another."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Way:
    """A stream of another program, such as an equalizer, that plays a device's sound on another.

    Parameters
    ----------
    source : str
        Name of the device whose sound the stream plays.
    sink : str
        Name of the device that the stream plays on; ``""`` if it plays on none.
    outlet : int
        Number of the stream; it changes when the stream is created anew.
    name : str
        Name of the stream.
    follows : bool
        The stream follows the default output.
    movable : bool
        The stream can be moved, since it has not asked for a device.
    pin : str
        The device that Entrain has pinned the stream to, if that must be undone, or ``""``.

    """

    source: str
    sink: str
    outlet: int = 0
    name: str = ""
    follows: bool = False
    movable: bool = False
    pin: str = ""


def way_of(line: str) -> Way:
    """Parse one line of the text that ``entrain_io_read_ways`` returns."""
    source, sink, outlet, name, letters, pin = line.split("\t")
    return Way(source, sink, int(outlet), name, "f" in letters, "m" in letters, pin)
