"""Tells which kind of layer plays which of SBaGen's voices."""

from collections.abc import Mapping

from entrain.vdevice.protocol.importers.sbagen.voices import Voice

COLOURS = {"pink": "pink", "white": "white", "brown": "brown"}
COLOURS |= {"spin": "pink", "wspin": "white", "bspin": "brown", "noisepulse": "pink"}
SPINS = ("spin", "wspin", "bspin")
EFFECTS = {
    "mixam": ("am", "depth", 0.01),
    "mixam-pulse": ("am", "depth", 0.01),
    "mixpulse": ("am", "depth", 0.01),
    "mixbeat": ("selfbinaural", "amount", 0.01),
    "mixspin": ("phasemod", "swing_deg", 1.0),
}
REMARKS = {
    "bell": "the bell is Entrain's own, with partials; its decay is the same",
    "wave": "the wave is approximated by pulses with smooth edges",
    "noisepulse": "the noise swells and fades like a sine instead of in pulses",
    "mixpulse": "the pulses are softened, and the loudness of the music stays the same",
    "mixam": "the loudness of the music stays the same: it swings up as well as down",
    "mixbeat": "only the part of the music that both ears share beats, in its middle band",
}

FOLLOWED: Mapping[str, tuple[tuple[str, str, bool], ...]] = {
    "am": (("beat", "rate_hz", True),),
    "binaural": (("carrier", "carrier_hz", False), ("beat", "beat_hz", False)),
    "isochronic": (("carrier", "carrier_hz", False), ("beat", "rate_hz", True)),
    "noise": (("beat", "am_rate_hz", True),),
    "phasemod": (("beat", "rate_hz", True),),
    "selfbinaural": (("beat", "beat_hz", False),),
    "spin": (("beat", "rate_hz", False),),
}
"""For each kind of layer: numbers of a tone, parameters that follow them, whether to drop signs."""


def kind_of(voice: Voice) -> str:
    """Return the kind of layer that plays a voice; not for "mix"."""
    if voice.type in EFFECTS:
        return EFFECTS[voice.type][0]
    if voice.type in SPINS:
        return "spin"
    if voice.type in COLOURS:
        return "noise"
    waved = voice.type.startswith("wave") and any(tone.beat for tone in voice.tones())
    return "isochronic" if voice.type == "iso" or waved else "binaural"
