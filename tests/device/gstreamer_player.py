"""GStreamer's player `playbin`, which another process steers.

Usage: /usr/bin/python3 gstreamer_player.py URI…

It plays the titles in turn, without an end.  It reads commands, one a line, and answers each with
"done": "seek SECONDS", "pause", "resume" and "next".  Without titles it only looks for GStreamer,
and fails if a part is missing.
"""

import itertools
import sys

import gi

gi.require_version("Gst", "1.0")
from gi.repository import GLib, Gst  # noqa: E402

PATIENCE = 5 * Gst.SECOND
NEEDED = ("playbin", "wavparse", "flacparse", "flacdec", "pulsesink")


class Player:
    """A playbin and its titles."""

    def __init__(self, titles: list[str]) -> None:
        self._titles = itertools.cycle(titles)
        self._pipeline = Gst.ElementFactory.make("playbin")
        self._pipeline.set_property("audio-sink", Gst.ElementFactory.make("pulsesink"))
        # GStreamer asks for the next title early, so that no gap is between the two.
        self._pipeline.connect("about-to-finish", self._choose_next)
        bus = self._pipeline.get_bus()
        bus.add_signal_watch()
        bus.connect("message::eos", lambda *_: self.next())
        bus.connect("message::error", self._fail)

    def seek(self, position_s: str) -> None:
        """Play on from this position."""
        self._pipeline.seek_simple(
            Gst.Format.TIME,
            Gst.SeekFlags.FLUSH | Gst.SeekFlags.ACCURATE,
            int(float(position_s) * Gst.SECOND),
        )
        self._settle()

    def pause(self) -> None:
        """Pause; the stream is corked."""
        self._reach(Gst.State.PAUSED)

    def resume(self) -> None:
        """Play on."""
        self._reach(Gst.State.PLAYING)

    def next(self) -> None:
        """Break the title off and play the next one with a new stream."""
        self._reach(Gst.State.READY)
        self._choose_next()
        self._reach(Gst.State.PLAYING)

    def _choose_next(self, *_: object) -> None:
        self._pipeline.set_property("uri", next(self._titles))

    def _reach(self, state: Gst.State) -> None:
        self._pipeline.set_state(state)
        self._settle()

    def _settle(self) -> None:
        self._pipeline.get_state(PATIENCE)

    def _fail(self, _bus: Gst.Bus, message: Gst.Message) -> None:
        sys.exit(str(message.parse_error()))


def main(titles: list[str]) -> int:
    """Play until the input ends; returns the exit code."""
    Gst.init(None)
    missing = [name for name in NEEDED if not Gst.ElementFactory.find(name)]
    if missing or not titles:
        print(*missing, file=sys.stderr)
        return len(missing)
    GLib.set_prgname("gstreamer")
    GLib.set_application_name("gstreamer")
    player = Player(titles)
    player.next()
    loop = GLib.MainLoop()

    def obey(*_: object) -> bool:
        words = sys.stdin.readline().split()
        if not words:
            loop.quit()
            return False
        getattr(player, words[0])(*words[1:])
        print("done", flush=True)
        return True

    GLib.io_add_watch(sys.stdin.fileno(), GLib.PRIORITY_DEFAULT, GLib.IO_IN | GLib.IO_HUP, obey)
    loop.run()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
