"""Guesses the form of a device (headphones, speakers, …) from a sound server's report."""

import re
from collections.abc import Mapping

from entrain.platform.adapter import Form

_HEADPHONES = {"headphone", "headphones", "headset"}
_SPEAKERS = {"speaker", "speakers", "hdmi", "displayport", "hifi", "tv", "car", "portable"}
_TELEPHONE_PROFILES = ("headset_head_unit", "handsfree_head_unit", "hsp", "hfp")
_PROFILES = ("api.bluez5.profile", "bluetooth.protocol", "device.profile.name")


def device_form(properties: Mapping[str, str], port: str, channels: int) -> Form:
    """Return the form of a device.

    Parameters
    ----------
    properties : mapping
        Properties of the sink, with PulseAudio's or PipeWire's names.
    port : str
        Name of the active port, such as ``analog-output-headphones`` or ``[Out] Speaker``, or
        ``""``.
    channels : int
        Number of channels.

    """
    factor = properties.get("device.form_factor", "").lower()
    profiles = " ".join(properties.get(key, "") for key in _PROFILES).lower().replace("-", "_")
    if any(name in profiles for name in _TELEPHONE_PROFILES):
        return "hands-free"
    if factor == "hands-free":  # for example a car kit; it can play music, too
        return "speakers" if "a2dp" in profiles else "hands-free"
    if channels == 1:
        return "mono"
    # A port knows better than its card which kind of device is plugged in.
    for hint in (port, factor or properties.get("device.icon_name", "")):
        words = set(re.split("[^a-z]+", hint.lower()))
        if words & _HEADPHONES:
            return "headphones"
        if words & _SPEAKERS:
            return "speakers"
    return "speakers" if factor in ("internal", "computer") and not port else "unknown"
