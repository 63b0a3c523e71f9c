"""Scientific evidence for a protocol, in two grades.

Whether the nervous system follows a sound and whether the listener benefits are two questions with
very different answers, so each has its own grade.  "Follows" means a steady-state
response at the sound's rate, which need not be entrainment of the brain's own rhythms.
"""

from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from entrain.vdevice.limits import Grade
from entrain.vdevice.protocol.fields import AddressText, Line

_Sentence = Annotated[Line, StringConstraints(min_length=1, max_length=400)]


class Source(BaseModel):
    """A publication and its finding."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, defer_build=True)

    authors: Annotated[Line, StringConstraints(min_length=1, max_length=200)]
    year: Annotated[int, Field(ge=1900, le=2100)]
    journal: Annotated[Line, StringConstraints(max_length=200)] = ""
    """Journal, book, conference or patent number; empty if unknown."""
    id: (
        Annotated[
            str,
            StringConstraints(
                pattern=r"^(PMC\d{1,9}|arXiv:\d{4}\.\d{4,5}|doi:10\.\d{4,9}/[!-~]{1,80})$"
            ),
        ]
        | None
    ) = None
    finding: _Sentence
    contrary: bool = False
    """Whether the finding speaks against this protocol."""


class Evidence(BaseModel):
    """How well a protocol is supported by evidence."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, defer_build=True)

    following: Grade
    """Whether the nervous system answers the sound with a steady-state response at its rate."""
    outcome: Grade
    """Whether the listener has the benefit that the protocol is named after."""
    claim: _Sentence
    """The strongest claim that the evidence allows, in one plain sentence."""
    sources: Annotated[tuple[Source, ...], Field(max_length=32)] = ()
    our_choices: tuple[AddressText, ...] = ()
    """Addresses of parameters that no source gives; they were chosen by ear or calculated."""

    @model_validator(mode="after")
    def _founded(self) -> Self:
        if not self.sources and "tradition" not in (self.following, self.outcome):
            raise ValueError("a grade other than tradition needs a source")
        return self
