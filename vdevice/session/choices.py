"""The protocol of each output, read and prepared before it is needed.

So a switch to another output never waits for a disk, and the sound changes in the same step as the
output.  Called on the main thread only, except `find`, `look_up` and `with_layers`.
"""

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass

from entrain.engine import blocks
from entrain.vdevice.protocol.errors import ProtocolError
from entrain.vdevice.protocol.library import Library
from entrain.vdevice.protocol.model import Protocol, ProtocolReference
from entrain.vdevice.protocol.names import is_spec
from entrain.vdevice.protocol.spec import from_specs, with_specs
from entrain.vdevice.session.chain import Ways, prepare


@dataclass(frozen=True)
class Prepared:
    """A protocol that can play at once."""

    reference: ProtocolReference
    """An id if the protocol equals the library's, otherwise the whole protocol."""
    protocol: Protocol
    ways: Ways

    @property
    def library_id(self) -> str:
        """Id in the library, or empty."""
        return self.reference if isinstance(self.reference, str) else ""


@dataclass(frozen=True)
class Missing:
    """A protocol that could not be read; its reference is kept."""

    reference: ProtocolReference
    problem: str
    """The reason, one line."""


Choice = Prepared | Missing


def find(library: Library, reference: ProtocolReference) -> Prepared:
    """Read and prepare a protocol; if it equals the library's, its id is the reference.

    Called on the library's thread.  Raises `ProtocolError`.
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
    """Read and prepare a protocol, or return the reason of a failure; on the library's thread."""
    try:
        return find(library, reference)
    except ProtocolError as error:
        return Missing(reference, str(error).splitlines()[0])


def with_layers(
    library: Library, wanted: ProtocolReference, specs: Sequence[str], standalone: bool
) -> ProtocolReference:
    """Make a protocol from a user's command; on the library's thread.

    Parameters
    ----------
    library : Library
        The source of ids.
    wanted : ProtocolReference
        An id, a SPEC, or a whole protocol.
    specs : sequence of str
        Layers to add, as SPECs.
    standalone : bool
        Play the tones without any input, too.

    Returns
    -------
    ProtocolReference
        `wanted` itself if there is nothing to add.

    Raises
    ------
    ProtocolError
        The id is unknown, or a SPEC is wrong.

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
    """The protocols of outputs that have their own, and the protocol of all other outputs.

    Parameters
    ----------
    everywhere : Prepared or Missing
        The protocol of the other outputs.
    remembered : mapping
        Protocols by the names of their outputs.

    """

    def __init__(self, everywhere: Choice, remembered: Mapping[str, Choice]) -> None:
        self.everywhere = everywhere
        self._remembered = dict(remembered)

    @property
    def remembered(self) -> dict[str, ProtocolReference]:
        """References to the outputs' own protocols, for the stored state."""
        return {output: choice.reference for output, choice in self._remembered.items()}

    @property
    def library_ids(self) -> set[str]:
        """Ids of all protocols that equal the library's."""
        choices = (self.everywhere, *self._remembered.values())
        return {each.reference for each in choices if isinstance(each.reference, str)}

    def has_own(self, output: str) -> bool:
        """Whether an output has a protocol of its own."""
        return output in self._remembered

    def on(self, output: str) -> Choice:
        """Return the protocol of an output."""
        return self._remembered.get(output, self.everywhere)

    def choose(self, choice: Prepared, output: str, here: bool | None) -> None:
        """Set the protocol of an output.

        Parameters
        ----------
        choice : Prepared
            The protocol.
        output : str
            The present output, or ``""``.
        here : bool or None
            True: for this output alone.  False: for all outputs without a protocol of their own,
            which then include this output.  None: for this output alone if it has its own protocol.

        """
        if here is None:
            here = output in self._remembered
        if here and output:
            self._remembered[output] = choice
        else:
            self._remembered.pop(output, None)
            self.everywhere = choice

    def delete(self, protocol_id: str) -> list[str]:
        """Keep the sound of a protocol that is not in the library any more.

        Returns
        -------
        list of str
            The outputs that have this protocol as their own.

        """
        using = [name for name, each in self.remembered.items() if each == protocol_id]
        self._replace(lambda choice: without(choice, protocol_id))
        return using

    def rename(self, protocol_id: str, renamed: Prepared) -> None:
        """Follow a protocol to its new name; values that differ from the library's are kept."""
        self._replace(lambda choice: followed(choice, protocol_id, renamed))

    def _replace(self, changed: Callable[[Choice], Choice]) -> None:
        self.everywhere = changed(self.everywhere)
        self._remembered = {name: changed(each) for name, each in self._remembered.items()}

    def renew(self, read: Mapping[str, Choice]) -> None:
        """Replace protocols that were read again; unreadable ones keep their former content."""
        self._replace(lambda choice: renewed(choice, read))


def without(choice: Choice, protocol_id: str) -> Choice:
    """Return a choice that keeps its sound after this protocol was deleted from the library."""
    if choice.reference != protocol_id:
        return choice
    if isinstance(choice, Missing):
        return Missing(protocol_id, f"the protocol {protocol_id!r} was deleted")
    return Prepared(choice.protocol, choice.protocol, choice.ways)


def followed(choice: Choice, protocol_id: str, renamed: Prepared) -> Choice:
    """Return a choice that follows a protocol to its new name, and keeps its own values."""
    if choice.reference == protocol_id:
        return renamed
    if isinstance(choice, Missing) or choice.protocol.id != protocol_id:
        return choice
    named = called_as(renamed.protocol, choice.protocol)
    return Prepared(named, named, choice.ways)


def renewed(choice: Choice, read: Mapping[str, Choice]) -> Choice:
    """Return what was read again, or the choice itself if its protocol cannot be read."""
    if not isinstance(choice.reference, str):
        return choice
    now = read.get(choice.reference, choice)
    return now if isinstance(now, Prepared) or isinstance(choice, Missing) else choice


def called_as(named: Protocol, protocol: Protocol) -> Protocol:
    """Return a protocol with the id and the name of another one."""
    return protocol.model_copy(update={"id": named.id, "name": named.name})
