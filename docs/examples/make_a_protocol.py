"""Make a protocol, render a file with it, and verify the file.  No Entrain need run.

`verify` needs scipy.  The files are written into the folder `my-focus`.
"""

# %% Twenty seconds of pink noise stand for your music
from pathlib import Path

import numpy as np
import scipy  # noqa: F401 - so that it is missed before anything is written
import soundfile

from entrain import Layer, Protocol, blocks, render, verify

folder = Path("my-focus")
folder.mkdir(exist_ok=True)
RATE_HZ, SECONDS = 48_000, 20
random = np.random.default_rng(1)
spectrum = random.standard_normal((2, RATE_HZ * SECONDS // 2 + 1)).astype(complex)
spectrum[:, 1:] /= np.sqrt(np.arange(1, spectrum.shape[1]))
music = np.fft.irfft(spectrum)
soundfile.write(folder / "music.wav", 0.2 * (music / np.abs(music).max()).T, RATE_HZ)

# %% Which parameters does a block have?
for name, parameter in blocks()["am"].parameters.items():
    print(f"{name}: {parameter.minimum:g} … {parameter.maximum:g} {parameter.unit}")

# %% Two layers: the music swells 16 times a second, with two quiet tones under it
protocol = Protocol(
    id="my-focus",
    name="My focus",
    layers=(
        Layer(kind="am", id="music", params={"rate_hz": 16.0, "depth": 0.5}),
        Layer(kind="binaural", id="tone", params={"carrier_hz": 300.0, "beat_hz": 16.0}),
    ),
)
# `entrain use my-focus/my-focus.json` plays it.  The menu shows what is in
# ~/.local/share/entrain/protocols.
(folder / "my-focus.json").write_text(protocol.model_dump_json(indent=2), encoding="utf-8")

# %% Render with the engine that also processes live sound
summary = render(folder / "music.wav", folder / "music-focus.flac", protocol)
print(f"{summary.seconds:.0f} s, {summary.speed:.0f} times as fast as listening")

# %% Measure the file, against the original
report = verify(folder / "music-focus.flac", against=folder / "music.wav")
print(*report.verdict, sep="\n")
(pair,) = report.tones
(swell,) = report.swells
print(f"beat {pair.beat_hz:.1f} Hz, swell {swell.rate_hz:.1f} Hz")
