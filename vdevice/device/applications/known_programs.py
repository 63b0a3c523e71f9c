"""Purpose of a stream: its own statement, and the app that plays it."""

from collections.abc import Iterable

from entrain.platform.adapter import Stream

# Application ids, binaries or names, as in the user's own rules; all in lower case.  Apps that also
# play music, such as browsers, are left out: only the stream's own statement can tell.
_CALL_PROGRAMS = frozenset(
    {
        "ciscocollabhost",
        "discord",
        "ekiga",
        "gnome-calls",
        "jami",
        "jami-qt",
        "jitsi meet",
        "linphone",
        "mumble",
        "org.gnome.calls",
        "org.signal.signal",
        "signal",
        "signal-desktop",
        "skype",
        "skypeforlinux",
        "slack",
        "teams",
        "teams-for-linux",
        "teamspeak3",
        "ts3client_linux_amd64",
        "webexmta",
        "webrtc voiceengine",
        "zoom",
        "zoom voiceengine",
    }
)
_NOTIFYING_PROGRAMS = frozenset(
    {
        "gnome shell",
        "gnome-shell",
        "gsd-media-keys",
        "libcanberra",
        "mutter",
        "plasmashell",
        "speech-dispatcher",
    }
)
_NOTIFYING_PREFIX = "speech-dispatcher-"
"""Prefix of the processes that serve one speech synthesizer each."""


def is_named(stream: Stream, programs: Iterable[str]) -> bool:
    """Return whether an app is in a list; its application id, binary or name counts."""
    names = {name.casefold() for name in (stream.app_id, stream.binary, stream.name) if name}
    return any(program.casefold() in names for program in programs)


def is_call(stream: Stream) -> bool:
    """Return whether a stream belongs to a call."""
    return stream.purpose == "call" or is_named(stream, _CALL_PROGRAMS)


def is_notification(stream: Stream) -> bool:
    """Return whether a stream is a short sound of the desktop, or a screen reader's voice."""
    return (
        stream.purpose == "notification"
        or is_named(stream, _NOTIFYING_PROGRAMS)
        or any(
            name.casefold().startswith(_NOTIFYING_PREFIX) for name in (stream.binary, stream.name)
        )
    )
