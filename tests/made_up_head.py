"""Heads for tests: made up, but with the delays and shadows of a head."""

import struct
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import factorial, lpmv

from entrain._native import ffi
from entrain.head import Head

EAR_M = 0.0875
SOUND_M_S = 343.0
Floats = npt.NDArray[np.float64]


def direction(azimuth_deg: npt.ArrayLike, elevation_deg: npt.ArrayLike) -> Floats:
    """Return unit vectors (x front, y left, z up) in the last axis."""
    azimuth, elevation = np.deg2rad(azimuth_deg), np.deg2rad(elevation_deg)
    level = np.cos(elevation)
    return np.stack(
        [level * np.cos(azimuth), level * np.sin(azimuth), np.sin(elevation) + 0 * azimuth], -1
    )


@dataclass(frozen=True)
class MadeUp:
    """A head as arrays: the fields of ``entrain_head_data``."""

    rate_hz: int
    responses: npt.NDArray[np.float32]
    """[elevation][azimuth][ear][tap]"""
    delays_s: npt.NDArray[np.float32]
    gain_db: npt.NDArray[np.float32]
    """[3][width]: for `speakers`, `scene`, and `scene` of order 1."""
    decoder: npt.NDArray[np.float32]
    """[ear][ACN][tap], for order 3."""
    first_order_decoder: npt.NDArray[np.float32]

    def head(self, **more: object) -> Head:
        """Return the head for the engine; `more` replaces fields."""
        elevations, azimuths, _, taps = self.responses.shape
        fields = {
            "rate_hz": self.rate_hz,
            "taps": taps,
            "azimuths": azimuths,
            "elevations": elevations,
            "widths": self.gain_db.shape[1],
            "responses": pointer(self.responses),
            "delays_s": pointer(self.delays_s),
            "gain_db": pointer(self.gain_db),
            "order": 3,
            "decoder_taps": self.decoder.shape[2],
            "decoder": pointer(self.decoder),
            "first_order_taps": self.first_order_decoder.shape[2],
            "first_order_decoder": pointer(self.first_order_decoder),
        }
        return Head(**fields | more)

    def file(self) -> bytes:
        """Return the contents of a file with this head; docs/spatial.md describes the format."""
        elevations, azimuths, _, taps = self.responses.shape
        counts = [2, self.rate_hz, taps, azimuths, elevations, self.gain_db.shape[1], 3]
        counts += [self.decoder.shape[2], self.first_order_decoder.shape[2]]
        contents = struct.pack("<8s9I", b"ENTRHEAD", *counts)
        arrays = (self.responses, self.delays_s, self.gain_db, self.decoder)
        for array in (*arrays, self.first_order_decoder):
            contents += bytes(-len(contents) % 64) + array.astype("<f4").tobytes()
        return contents


def pointer(array: npt.NDArray[np.float32]) -> object:
    """Return a C pointer to an array, which must outlive it."""
    return ffi.from_buffer("float[]", np.ascontiguousarray(array, np.float32))


def made_up(
    rate_hz: int = 48_000, taps: int = 256, azimuths: int = 72, elevations: int = 37
) -> MadeUp:
    """Return a head whose ears differ: the right one is softer, and has another echo."""
    grid = direction(
        np.arange(azimuths) * 360 / azimuths, np.linspace(-90, 90, elevations)[:, None]
    )
    heard, late = responses(grid, rate_hz, taps), delays_s(grid)
    return MadeUp(
        rate_hz,
        heard.astype(np.float32),
        late.astype(np.float32),
        np.tile(np.linspace(0, -6, 73, dtype=np.float32), (3, 1)),
        _decoder(grid, heard, late * rate_hz, 3),
        _decoder(grid, heard, late * rate_hz, 1),
    )


def harmonics(towards: Floats, order: int) -> Floats:
    """Return spherical harmonics (ACN, SN3D) in the last axis, from their recurrences."""
    azimuth = np.arctan2(towards[..., 1], towards[..., 0])
    height = np.clip(towards[..., 2], -1, 1)
    found = []
    for degree in range(order + 1):
        for index in range(-degree, degree + 1):
            m = abs(index)
            legendre = (-1) ** m * lpmv(m, degree, height)  # without Condon and Shortley's sign
            norm = np.sqrt((2 - (m == 0)) * factorial(degree - m) / factorial(degree + m))
            around = np.sin(m * azimuth) if index < 0 else np.cos(m * azimuth)
            found.append(norm * legendre * around)
    return np.stack(found, -1)


def _decoder(grid: Floats, heard: Floats, late: Floats, order: int) -> npt.NDArray[np.float32]:
    """Return a decoder by least squares over the grid; it is good enough for the sides."""
    taps = heard.shape[-1]
    hz = np.fft.rfftfreq(2 * taps)
    spectra = np.fft.rfft(heard, 2 * taps) * np.exp(-2j * np.pi * hz * (late[..., None] + 32))
    towards = grid.reshape(-1, 3)
    weights = np.sqrt(np.hypot(towards[:, 0], towards[:, 1]) + 1e-3)[:, None]
    inverse = np.linalg.pinv(weights * harmonics(towards, order)) * weights.T
    channels = np.einsum("cd,den->ecn", inverse, spectra.reshape(len(towards), 2, -1))
    return np.ascontiguousarray(np.fft.irfft(channels)[..., :taps], np.float32)


def delays_s(towards: Floats) -> Floats:
    """Return the delay of each ear behind the earlier one, on a sphere (Woodworth)."""
    ears = np.stack([towards[..., 1], -towards[..., 1]], -1)
    angle = np.arccos(np.clip(ears, -1, 1))
    way = np.where(angle < np.pi / 2, -np.cos(angle), angle - np.pi / 2) * EAR_M / SOUND_M_S
    return way - way.min(-1, keepdims=True)


def responses(towards: Floats, rate_hz: int, taps: int) -> Floats:
    """Return minimum-phase responses: a shadow, and an echo that tells front, back and height."""
    n = np.arange(taps)
    ears = np.stack([towards[..., 1], -towards[..., 1]], -1)[..., None]
    pole = (0.3 + 0.3 * (1 - ears) / 2) ** (48_000 / rate_hz)
    smooth = (1 - pole) * pole**n * (0.7 + 0.3 * ears)
    echo = (0.35 + 0.25 * towards[..., :1] + 0.15 * towards[..., 2:])[..., None]
    late = np.array([[round(12 * rate_hz / 48_000)], [round(17 * rate_hz / 48_000)]])
    echoed = np.where(n >= late, (1 - pole) * pole ** np.maximum(n - late, 0), 0)
    return (smooth + echo * echoed * (0.7 + 0.3 * ears)) * np.array([[1.0], [0.8]])
