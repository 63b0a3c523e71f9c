"""Print the frames from a sink's input to a device's monitor, sample exact.

Usage: pw-jack python lag_probe.py SINK DEVICE QUANTUM

One JACK client plays noise bursts to the sink and records the device's monitor in the same cycle
of the graph, so that whole cycles of delay show as well.
"""

import sys
import threading
import time
from unittest import mock

import numpy as np

# The module asks ldconfig where the library is, and that knows nothing of pw-jack's own folder.
with mock.patch("ctypes.util.find_library", return_value="libjack.so.0"):
    import jack

BURST_FRAMES = 512


def main(sink: str, device: str, quantum_frames: int) -> int:
    client = jack.Client("lag-probe")
    out, back = client.outports.register("out"), client.inports.register("in")
    rate_hz = client.samplerate  # while the client is open
    frames = 2 * rate_hz
    burst = np.random.default_rng(0).standard_normal(BURST_FRAMES).astype(np.float32) * 0.1
    stimulus, heard = np.zeros(frames, np.float32), np.zeros(frames, np.float32)
    for start in range(rate_hz // 4, frames - 2 * BURST_FRAMES, rate_hz // 4):
        stimulus[start : start + BURST_FRAMES] = burst
    position = [-1]  # below 0: not yet
    done = threading.Event()

    @client.set_process_callback
    def process(cycle_frames: int) -> None:
        start, buffer = position[0], out.get_array()
        buffer[:] = 0
        if start < 0 or start + cycle_frames > frames:
            if start >= 0:
                done.set()
            return
        buffer[:] = stimulus[start : start + cycle_frames]
        heard[start : start + cycle_frames] = back.get_array()
        position[0] += cycle_frames

    with client:
        client.connect(out, _port(client, f"{sink}:playback_FL", "Audio", True))
        client.connect(_port(client, f"{device}:monitor_FL", "Audio", False), back)
        deadline = time.monotonic() + 5
        while client.blocksize != quantum_frames and time.monotonic() < deadline:
            time.sleep(0.02)
        time.sleep(0.5)  # the graph has been rebuilt; let it run
        position[0] = 0
        if not done.wait(15):
            sys.exit("the graph does not run")
    spectrum = np.fft.rfft(heard, 2 * frames) * np.conj(np.fft.rfft(stimulus, 2 * frames))
    print(int(np.argmax(np.abs(np.fft.irfft(spectrum)[: rate_hz // 8]))))
    return 0


def _port(client: "jack.Client", name: str, _kind: str, is_input: bool) -> "jack.Port":
    """Find a port by node and port name; the node may be listed by its description."""
    node, port = name.split(":")
    descriptions = {"entrain": "Entrain", "speakers": "Speakers", "headphones": "Headphones"}
    for candidate in client.get_ports(is_audio=True, is_input=is_input, is_output=not is_input):
        owner, _, own_name = candidate.name.rpartition(":")
        if own_name == port and owner.split()[0] in (node, descriptions.get(node)):
            return candidate
    sys.exit(f"there is no port {name}: {[p.name for p in client.get_ports()]}")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2], int(sys.argv[3])))
