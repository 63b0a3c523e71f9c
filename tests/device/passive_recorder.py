"""Record from PulseAudio into a WAV file without keeping the source awake.

Usage: python passive_recorder.py SOURCE RATE_HZ FILE

parec cannot set the flag for this.  The file omits the time in which the source sleeps.  SIGTERM
ends the recording.
"""

import ctypes
import signal
import sys

import numpy as np
import pulsectl
import soundfile
from pulsectl import _pulsectl as c

FRAGMENT_FRAMES = 1024


def main(source: str, rate_hz: int, file: str) -> int:
    stopping: list[int] = []
    signal.signal(signal.SIGTERM, lambda number, _frame: stopping.append(number))
    form = c.PA_SAMPLE_SPEC(format=c.PA_SAMPLE_FLOAT32NE, rate=rate_hz, channels=2)
    buffers = c.PA_BUFFER_ATTR(fragsize=FRAGMENT_FRAMES * 8, maxlength=2**32 - 1)
    flags = c.PA_STREAM_DONT_MOVE | c.PA_STREAM_ADJUST_LATENCY
    flags |= c.PA_STREAM_DONT_INHIBIT_AUTO_SUSPEND
    with (
        pulsectl.Pulse("passive-recorder") as pulse,
        soundfile.SoundFile(file, "w", rate_hz, 2, "FLOAT", format="WAV") as out,
    ):
        name = c.pa.proplist_from_string("application.name=passive-recorder")
        stream = c.pa.stream_new_with_proplist(
            pulse._ctx, "passive-recorder", ctypes.byref(form), None, name
        )

        @c.PA_STREAM_REQUEST_CB_T
        def read(stream, _size, _userdata):
            data, size = ctypes.c_void_p(), ctypes.c_int(0)
            c.pa.stream_peek(stream, data, ctypes.byref(size))
            if data.value:
                samples = np.frombuffer(ctypes.string_at(data, size.value), np.float32)
                out.write(samples.reshape(-1, 2))
            if size.value:
                c.pa.stream_drop(stream)

        c.pa.stream_set_read_callback(stream, read, None)
        c.pa.stream_connect_record(stream, source, buffers, flags)
        while not stopping:
            pulse._pulse_poll(0.1)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], int(sys.argv[2]), sys.argv[3]))
