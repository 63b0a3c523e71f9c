"""The heads that the space can use, as the control API lists them."""

from entrain.vdevice.api.messages import Heads, ListedHead
from entrain.vdevice.hrtf import sets


def listed_heads() -> Heads:
    """List all heads; reads the user's cards, so call it on a worker thread."""
    return Heads(
        heads=[
            ListedHead(id=card.id, title=card.title, built_in=card.is_built_in)
            for card in sets.cards()
        ]
    )
