"""Meters and a spectrum of the sound, from the samples of `tap`.

numpy is imported by the first sound only, on the thread that fetches samples.
"""

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from entrain.vdevice.api.client import Sound

    _Array = npt.NDArray[np.float64]
    _Frames = npt.NDArray[np.float32]

LOWEST_HZ, HIGHEST_HZ = 30.0, 16_000.0
"""Range of the spectrum."""
SILENCE_DB = -120.0
_WINDOW_FRAMES = 8192
_RMS_S = 0.3
_PEAK_FALL_DB_PER_S = 20.0
_BAND_FALL_DB_PER_S = 40.0
_SPECTRUM_S = 0.1
"""Shortest time between two spectra; they take most of the work."""


class Meter(NamedTuple):
    """The level of one ear, in dB of full scale."""

    rms_db: float
    peak_db: float


class Heard(NamedTuple):
    """The sound of this moment."""

    before: tuple[Meter, Meter]
    """Input, left and right."""
    after: tuple[Meter, Meter]
    """Output, left and right."""
    bands_db: tuple[float, ...]
    """Output, louder ear: the highest tone in each band, a full-scale sine being 0 dB.

    The same object as before if there is no new spectrum.
    """


class Analyser:
    """Follows the sound; for one thread."""

    def __init__(self) -> None:
        self._edges_of = (0, 0)
        self._bands_db: tuple[float, ...] = ()
        self._unseen_s = 0.0
        self._recent: _Frames | None = None
        self._power: _Array | None = None
        self._peak: _Array | None = None
        self._fallen: _Array | None = None

    def take(self, sound: "Sound", bands: int) -> Heard:
        """Measure the next frames.

        Parameters
        ----------
        sound : Sound
            At least one frame.
        bands : int
            Number of bands from `LOWEST_HZ` to `HIGHEST_HZ`, of equal ratios.

        """
        import numpy as np

        frames = np.frombuffer(sound.content, "<f4").reshape(2, sound.frames, 2)
        ears = np.ascontiguousarray(frames.transpose(0, 2, 1)).reshape(4, sound.frames)
        seconds = sound.frames / sound.rate_hz
        power = np.einsum("ij,ij->i", ears, ears) / sound.frames
        peak = np.square(np.maximum(ears.max(axis=1), -ears.min(axis=1)))
        if self._power is None or self._peak is None:
            self._power, self._peak = power, peak
        share = 1 - np.exp(-seconds / _RMS_S)
        self._power = self._power + share * (power - self._power)
        self._peak = np.maximum(self._peak * 10 ** (-_PEAK_FALL_DB_PER_S * seconds / 10), peak)
        levels = map(Meter, _decibels(self._power).tolist(), _decibels(self._peak).tolist())
        in_left, in_right, out_left, out_right = levels
        self._keep(ears[2:])
        self._unseen_s += seconds
        if self._unseen_s >= _SPECTRUM_S or len(self._bands_db) != bands:
            self._bands_db = self._spectrum(sound.rate_hz, bands, self._unseen_s)
            self._unseen_s = 0.0
        return Heard((in_left, in_right), (out_left, out_right), self._bands_db)

    def _keep(self, ears: "_Frames") -> None:
        import numpy as np

        if self._recent is None:
            self._recent = np.zeros((2, _WINDOW_FRAMES), np.float32)
            self._window = np.hanning(_WINDOW_FRAMES).astype(np.float32)
        new = ears[:, -_WINDOW_FRAMES:]
        self._recent = np.concatenate((self._recent[:, new.shape[1] :], new), axis=1)

    def _spectrum(self, rate_hz: int, bands: int, seconds: float) -> tuple[float, ...]:
        import numpy as np

        if bands < 1:
            return ()
        if self._edges_of != (rate_hz, bands):
            self._edges_of = (rate_hz, bands)
            self._ranges = _ranges(rate_hz, bands)
            self._fallen = None
        assert self._recent is not None
        spectrum = np.fft.rfft(self._recent * self._window)
        power = np.maximum.reduceat(spectrum.real**2 + spectrum.imag**2, self._ranges, axis=1)
        now_db = _decibels(power[:, ::2].max(axis=0) * (4 / _WINDOW_FRAMES) ** 2)
        if self._fallen is not None:
            now_db = np.maximum(now_db, self._fallen - _BAND_FALL_DB_PER_S * seconds)
        self._fallen = now_db
        return tuple(now_db.tolist())


def _ranges(rate_hz: int, bands: int) -> "npt.NDArray[np.intp]":
    """Return begin and end of each band by turns, in bins; each band has at least one."""
    import numpy as np

    edges_hz = LOWEST_HZ * (HIGHEST_HZ / LOWEST_HZ) ** (np.arange(bands + 1) / bands)
    bins = edges_hz * _WINDOW_FRAMES / rate_hz
    last = _WINDOW_FRAMES // 2
    begin = np.minimum(np.rint(bins[:-1]), last - 1)
    end = np.minimum(np.maximum(np.rint(bins[1:]), begin + 1), last)
    return np.stack((begin, end), axis=1).reshape(-1).astype(np.intp)


def _decibels(power: "_Array") -> "_Array":
    import numpy as np

    return 10 * np.log10(np.maximum(power, 10 ** (SILENCE_DB / 10)))
