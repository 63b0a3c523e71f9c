"""Addresses of parameters in a protocol."""

import re
from functools import lru_cache
from typing import NamedTuple

from entrain.vdevice.protocol.errors import ProtocolError
from entrain.vdevice.protocol.names import SLUG
from entrain.vdevice.protocol.wording import quote


class Address(NamedTuple):
    """Address of a layer's parameter, such as `tone.beat_hz`."""

    layer: str
    symbol: str


@lru_cache(1024)
def parse_address(text: str) -> Address:
    """Parse `layer-id.symbol`; raises `ProtocolError`."""
    match = re.fullmatch(rf"({SLUG})\.({SLUG})", text)
    if match is None:
        raise ProtocolError(f"{quote(text)} is not an address (layer.parameter: tone.beat_hz)")
    return Address(match[1], match[2])
