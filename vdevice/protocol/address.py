"""Names of parameters."""

import re
from functools import lru_cache
from typing import NamedTuple

from entrain.vdevice.names import SLUG
from entrain.vdevice.protocol.errors import ProtocolError
from entrain.vdevice.protocol.wording import quote


class Address(NamedTuple):
    """Names a parameter of a layer: `tone.beat_hz`."""

    layer: str
    symbol: str


@lru_cache(1024)
def parse_address(text: str) -> Address:
    """Read `layer-id.symbol`; raises `ProtocolError`."""
    match = re.fullmatch(rf"({SLUG})\.({SLUG})", text)
    if match is None:
        raise ProtocolError(f"{quote(text)} is not an address (layer.parameter: tone.beat_hz)")
    return Address(match[1], match[2])
