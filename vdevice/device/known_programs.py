"""Purpose of a stream: its own statement, and the app that plays it."""

from collections.abc import Iterable

from entrain.platform.adapter import Stream

# By application id, binary or name, as the user's own rules; all in lower case.  Programs that
# also play music, such as browsers, are left out: only their purpose can tell.
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
"""One program for each speech synthesizer."""


def is_named(stream: Stream, programs: Iterable[str]) -> bool:
    """Tell whether a program is among these; its application id, binary or name counts."""
    names = {name.casefold() for name in (stream.app_id, stream.binary, stream.name) if name}
    return any(program.casefold() in names for program in programs)


def is_call(stream: Stream) -> bool:
    """Tell whether a stream is a conversation's."""
    return stream.purpose == "call" or is_named(stream, _CALL_PROGRAMS)


def is_notification(stream: Stream) -> bool:
    """Tell whether a stream is a short sound of the desktop, or a voice that reads it out."""
    return (
        stream.purpose == "notification"
        or is_named(stream, _NOTIFYING_PROGRAMS)
        or any(
            name.casefold().startswith(_NOTIFYING_PREFIX) for name in (stream.binary, stream.name)
        )
    )
