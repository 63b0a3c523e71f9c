"""Types of fields that several documents have."""

from typing import Annotated

from pydantic import AfterValidator, StringConstraints

from entrain.vdevice.names import SLUG


def _printable(text: str) -> str:
    if not text.isprintable():
        raise ValueError("must be one line of printable text")
    return text


Slug = Annotated[str, StringConstraints(pattern=f"^{SLUG}$")]
"""The name of a protocol, layer or parameter."""

Line = Annotated[str, AfterValidator(_printable)]

AddressText = Annotated[str, StringConstraints(pattern=rf"^{SLUG}\.{SLUG}$")]
"""`layer.parameter`."""
