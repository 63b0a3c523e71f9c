"""Sweep a beat while recording the sound, and compare the beat with the wish.

Start Entrain, play some music to it, and run this file or its cells.  The picture needs
matplotlib; without it, the table is printed only.
"""

# %% The running Entrain, with one pair of tones under the music
import numpy as np

from entrain import Client

CARRIER_HZ, FIRST_HZ, LAST_HZ, SWEEP_S = 400, 4, 12, 8
PATIENCE_S = 20

client = Client()
client.ask("bypass", on=False)
client.ask("use", protocol=f"tone=binaural:carrier_hz={CARRIER_HZ},beat_hz={FIRST_HZ}")
print("waiting until the tones have faded in…")
with client.watching(interval_s=0.2) as states:
    for _, status in zip(range(5 * PATIENCE_S), states, strict=False):
        tones = status.measured and status.measured.tones
        if tones and abs(tones.beat_hz - FIRST_HZ) < 0.05:
            print(f"now {tones.beat_hz:.2f} Hz between the ears")
            break
    else:
        client.ask("undo")
        raise SystemExit("there are no tones: is Entrain on, and does music play?")

# %% Sweep, and keep all the sound that Entrain adds
client.set_values({"tone.beat_hz": LAST_HZ}, over_s=SWEEP_S)
recorded, rate_hz = np.empty((0, 2), np.float32), 48_000
with Client() as listener:
    for sound in listener.follow_samples(interval_s=0.1, frames=1):
        both = np.frombuffer(sound.content, "<f4").reshape(2, -1, 2)
        added = both[1] - both[0]  # the output without your music, which has the same delay
        recorded, rate_hz = np.concatenate([recorded, added]), sound.rate_hz
        if len(recorded) > (SWEEP_S + 1) * rate_hz:
            break
client.ask("undo")
client.close()

# %% The beat is the speed at which the phase between the ears turns
STEP_S = 0.02  # whole periods of the carrier, so that little else remains
step = round(STEP_S * rate_hz)
used = len(recorded) // step * step
carrier = np.exp(-2j * np.pi * CARRIER_HZ * np.arange(used) / rate_hz)
left, right = (recorded[:used].T * carrier).reshape(2, -1, step).mean(axis=2)
phase = np.unwrap(np.angle(left * right.conj()))
second = round(1 / STEP_S)
beat_hz = (phase[second:] - phase[:-second]) / (2 * np.pi)  # mean over one second
at_s = STEP_S * (np.arange(len(beat_hz)) + second / 2)
wanted_hz = np.interp(at_s, [0, SWEEP_S], [FIRST_HZ, LAST_HZ])
for index in range(0, len(at_s), second):
    print(
        f"{at_s[index]:4.1f} s: {wanted_hz[index]:6.2f} Hz wanted, {beat_hz[index]:6.2f} Hz heard"
    )
print(f"at the end {beat_hz[-1]:.2f} Hz")

# %% A picture
try:
    from matplotlib.figure import Figure
except ModuleNotFoundError:
    print("for a picture, install matplotlib")
else:
    figure = Figure(layout="constrained")
    axes = figure.subplots()
    axes.plot(at_s, wanted_hz, label="wanted")
    axes.plot(at_s, beat_hz, label="heard")
    axes.set(xlabel="time / s", ylabel="beat / Hz")
    axes.legend()
    figure.savefig("sweep.png")
