"""What a person has on the ears, or in the room: guessed from what a sound server tells."""

import re
from collections.abc import Mapping

from entrain.platform.adapter import Form

_HEADPHONES = {"headphone", "headphones", "headset"}
_SPEAKERS = {"speaker", "speakers", "hdmi", "displayport", "hifi", "tv", "car", "portable"}
_TELEPHONE_PROFILES = ("headset_head_unit", "handsfree_head_unit", "hsp", "hfp")
_PROFILES = ("api.bluez5.profile", "bluetooth.protocol", "device.profile.name")


def device_form(properties: Mapping[str, str], port: str, channels: int) -> Form:
    """Tell what kind of device an output leads to.

    Parameters
    ----------
    properties : mapping
        What the sink says of itself, by PulseAudio's or PipeWire's names.
    port : str
        Name of the active port, as ``analog-output-headphones`` or ``[Out] Speaker``; ``""``
        if there is none.
    channels : int
        Number of channels.

    """
    factor = properties.get("device.form_factor", "").lower()
    profiles = " ".join(properties.get(key, "") for key in _PROFILES).lower().replace("-", "_")
    if any(name in profiles for name in _TELEPHONE_PROFILES):
        return "hands-free"
    if factor == "hands-free":  # a car kit, say; it can play music, too
        return "speakers" if "a2dp" in profiles else "hands-free"
    if channels == 1:
        return "mono"
    # A socket knows better than the card that it is in what is plugged in.
    for hint in (port, factor or properties.get("device.icon_name", "")):
        words = set(re.split("[^a-z]+", hint.lower()))
        if words & _HEADPHONES:
            return "headphones"
        if words & _SPEAKERS:
            return "speakers"
    return "speakers" if factor in ("internal", "computer") and not port else "unknown"
