"""Which protocol is used on which output: each is read and prepared before it is needed.

So a switch to another output waits for no disk, and changes the sound in the same step as the
output.  Called on the main thread only, but for `find` and `look_up`.
"""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass

from entrain.engine import blocks
from entrain.vdevice.protocol.errors import ProtocolError
from entrain.vdevice.protocol.library import Library
from entrain.vdevice.protocol.model import Protocol, ProtocolReference
from entrain.vdevice.protocol.names import is_spec
from entrain.vdevice.protocol.spec import from_specs, with_specs
from entrain.vdevice.session.chain import Ways
from entrain.vdevice.session.player import prepare


@dataclass(frozen=True)
class Prepared:
    """A protocol that can be heard at once."""

    reference: ProtocolReference
    """An id while it is as in the library, else the whole protocol."""
    protocol: Protocol
    ways: Ways

    @property
    def library_id(self) -> str:
        """Where it is in the library, or empty."""
        return self.reference if isinstance(self.reference, str) else ""


@dataclass(frozen=True)
class Missing:
    """A protocol that could not be read; it is remembered all the same."""

    reference: ProtocolReference
    problem: str
    """One line."""


Choice = Prepared | Missing


def find(library: Library, reference: ProtocolReference) -> Prepared:
    """Read and prepare a protocol, and tell its id if it is as in the library.

    Called on the thread that asks the library.  Raises `ProtocolError`.
    """
    if isinstance(reference, str):
        protocol = library.by_id(reference)
    else:
        protocol = reference
        with suppress(ProtocolError):
            if library.by_id(protocol.id) == protocol:
                reference = protocol.id
    return Prepared(reference, protocol, prepare(protocol))


def look_up(library: Library, reference: ProtocolReference) -> Choice:
    """Read and prepare a protocol, or say why that cannot be; on the same thread as `find`."""
    try:
        return find(library, reference)
    except ProtocolError as error:
        return Missing(reference, str(error).splitlines()[0])


def with_layers(
    library: Library, wanted: ProtocolReference, specs: Sequence[str], standalone: bool
) -> ProtocolReference:
    """Make a protocol of what a user has typed; on the same thread as `find`.

    Parameters
    ----------
    library : Library
        Where ids are looked up.
    wanted : ProtocolReference
        An id, a SPEC, or a whole protocol.
    specs : sequence of str
        SPECs of more layers.
    standalone : bool
        Let tones be heard without any input too.

    Returns
    -------
    ProtocolReference
        `wanted` itself where nothing is added.

    Raises
    ------
    ProtocolError
        There is none of that id, or a SPEC is wrong.

    """
    if isinstance(wanted, str) and is_spec(wanted):
        protocol = from_specs([wanted, *specs], blocks)
    elif specs or standalone:
        protocol = library.by_id(wanted) if isinstance(wanted, str) else wanted
        protocol = with_specs(protocol, specs, blocks) if specs else protocol
    else:
        return wanted
    return protocol.model_copy(update={"standalone": True}) if standalone else protocol


class Choices:
    """What is used on each output that has a protocol of its own, and on all the others.

    Parameters
    ----------
    everywhere : Prepared or Missing
        For the others.
    remembered : mapping
        By the outputs' names.

    """

    def __init__(self, everywhere: Choice, remembered: Mapping[str, Choice]) -> None:
        self.everywhere = everywhere
        self._remembered = dict(remembered)

    @property
    def remembered(self) -> dict[str, ProtocolReference]:
        """What is to be stored for the outputs that have their own."""
        return {output: choice.reference for output, choice in self._remembered.items()}

    @property
    def library_ids(self) -> set[str]:
        """Ids of those that are as in the library."""
        choices = (self.everywhere, *self._remembered.values())
        return {each.reference for each in choices if isinstance(each.reference, str)}

    def has_own(self, output: str) -> bool:
        """Whether an output has a protocol of its own."""
        return output in self._remembered

    def on(self, output: str) -> Choice:
        """What is used on an output."""
        return self._remembered.get(output, self.everywhere)

    def choose(self, choice: Prepared, output: str, here: bool | None) -> None:
        """Use a protocol from now on.

        Parameters
        ----------
        choice : Prepared
            The protocol.
        output : str
            The present output, or ``""``.
        here : bool or None
            On this output alone, or on all that have none of their own, of which this is one then;
            None: as it was before for this output.

        """
        if here is None:
            here = output in self._remembered
        if here and output:
            self._remembered[output] = choice
        else:
            self._remembered.pop(output, None)
            self.everywhere = choice

    def renew(self, read: Mapping[str, Choice]) -> None:
        """Take what has been read again, by id; what cannot be read any more stays as it was."""

        def renewed(choice: Choice) -> Choice:
            if not isinstance(choice.reference, str):
                return choice
            now = read.get(choice.reference, choice)
            return now if isinstance(now, Prepared) or isinstance(choice, Missing) else choice

        self.everywhere = renewed(self.everywhere)
        self._remembered = {name: renewed(each) for name, each in self._remembered.items()}
