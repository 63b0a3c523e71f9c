"""Makes a prepared head of aligned responses."""

from dataclasses import dataclass, replace

import numpy as np

from entrain.head_layout import Counts
from entrain.vdevice.hrtf.errors import HrtfError
from entrain.vdevice.hrtf.head_file import MAX_GAIN_DB, MAX_RESPONSE
from entrain.vdevice.hrtf.preparation import ambisonics, grid
from entrain.vdevice.hrtf.preparation.alignment import AlignedSet
from entrain.vdevice.hrtf.preparation.loudness import pair_gains_db, pink_weights
from entrain.vdevice.hrtf.preparation.measured_set import Floats, unit_vectors
from entrain.vdevice.hrtf.preparation.spectra import (
    FRAMES,
    FREQUENCIES_HZ,
    RATE_HZ,
    Spectra,
    cut,
    delayed,
    minimum_phase,
    smoothed,
)

WIDTH_STEP_DEG = 5
WIDTHS = 360 // WIDTH_STEP_DEG + 1
ORDER = 3

_EQUALISER_OCTAVES = 1 / 3
_EQUALISER_TOP_HZ = 18_000.0
_EQUALISER_LIMIT_DB = 15.0


@dataclass(frozen=True)
class Options:
    """The choices about a prepared head."""

    taps: int = 256
    equalised: bool = True
    """Divide the responses by the diffuse field, so that music keeps its colour."""


@dataclass(frozen=True)
class PreparedHead:
    """The arrays of a prepared head, as docs/spatial.md describes them."""

    responses: Floats
    """(elevations, azimuths, 2, taps)"""
    delays_s: Floats
    """(elevations, azimuths, 2)"""
    gain_db: Floats
    """(3, widths): heard by the responses, the decoder and the decoder of order 1."""
    decoder: Floats
    """(2, 16, taps)"""
    first_order_decoder: Floats
    """(2, 4, taps)"""
    equaliser: Spectra
    """(BINS,) by which all responses have been multiplied: for comparisons with the measurement."""

    @property
    def counts(self) -> Counts:
        """The header of the file."""
        return Counts(
            RATE_HZ,
            self.responses.shape[-1],
            grid.AZIMUTHS,
            grid.ELEVATIONS,
            WIDTHS,
            ORDER,
            self.decoder.shape[-1],
            self.first_order_decoder.shape[-1],
        )

    @property
    def arrays(self) -> list[bytes]:
        """The arrays as bytes, in the order of the file."""
        arrays = (
            self.responses,
            self.delays_s,
            self.gain_db,
            self.decoder,
            self.first_order_decoder,
        )
        return [np.ascontiguousarray(array, "<f4").tobytes() for array in arrays]


def prepare(aligned: AlignedSet, options: Options | None = None) -> PreparedHead:
    """Make a prepared head.

    Raises
    ------
    HrtfError
        The responses cannot belong to a head.

    """
    options = options or Options()
    nodes, areas = grid.nodes(), grid.areas()
    blend = grid.blend(aligned.directions, nodes)
    minimum = blend(minimum_phase(aligned.magnitudes))
    arrivals = blend(aligned.arrivals_s)
    equaliser = _equaliser(minimum, areas, options.equalised)
    equaliser = equaliser / _front_level(minimum * equaliser, nodes)
    minimum *= equaliser
    responses = cut(np.fft.irfft(minimum, FRAMES, axis=-1), options.taps)
    delays = arrivals - arrivals.min(axis=1, keepdims=True)
    shape = (grid.ELEVATIONS, grid.AZIMUTHS, 2)
    third, first = (_decoder(order, minimum, arrivals, options.taps) for order in (ORDER, 1))
    responses, delays = responses.reshape(*shape, -1), delays.reshape(shape)
    head = PreparedHead(responses, delays, np.zeros((3, WIDTHS)), third, first, equaliser)
    if not all(np.abs(array).max() < MAX_RESPONSE for array in (responses, third, first)):
        raise HrtfError("holds no head: some directions are much louder than the front")
    return replace(head, gain_db=np.clip(_gains_db(head), -MAX_GAIN_DB, MAX_GAIN_DB))


def at(head: PreparedHead, azimuths_deg: Floats, elevations_deg: Floats) -> Spectra:
    """Return (directions, 2, BINS) spectra of directions, blended bilinearly as in the engine."""
    column = np.mod(azimuths_deg, 360) / grid.STEP_DEG
    row = (np.asarray(elevations_deg) + 90) / grid.STEP_DEG
    left = np.floor(column).astype(int)
    below = np.minimum(np.floor(row).astype(int), grid.ELEVATIONS - 2)
    across, up = column - left, row - below
    responses = np.zeros((len(column), 2, head.responses.shape[-1]))
    delays = np.zeros((len(column), 2))
    for rows, row_weight in ((below, 1 - up), (below + 1, up)):
        for columns, column_weight in ((left, 1 - across), (left + 1, across)):
            weight = row_weight * column_weight
            place = rows, columns % grid.AZIMUTHS
            responses += weight[:, np.newaxis, np.newaxis] * head.responses[place]
            delays += weight[:, np.newaxis] * head.delays_s[place]
    return np.asarray(np.fft.rfft(responses, FRAMES, axis=-1) * delayed(delays))


def _decoder(order: int, minimum: Spectra, arrivals: Floats, taps: int) -> Floats:
    """Design a decoder for every second node of each row and column, which is close enough."""
    some = np.arange(grid.ELEVATIONS * grid.AZIMUTHS)
    some = some.reshape(grid.ELEVATIONS, grid.AZIMUTHS)[::2, ::2].ravel()
    areas = grid.areas()[some]
    return ambisonics.decoder(
        order, grid.nodes()[some], areas / areas.sum(), minimum[some], arrivals[some], taps
    )


def _equaliser(minimum: Spectra, areas: Floats, equalised: bool) -> Spectra:
    """Return the inverse of the diffuse field as minimum phase, smoothed and bounded."""
    if not equalised:
        return np.ones(minimum.shape[-1], np.complex128)
    power = np.einsum("n,nef->f", areas, np.abs(minimum) ** 2) / 2
    field = np.sqrt(smoothed(power, _EQUALISER_OCTAVES))
    top = int(np.searchsorted(FREQUENCIES_HZ, _EQUALISER_TOP_HZ))
    field[top:] = field[top]
    middle = (FREQUENCIES_HZ > 200) & (FREQUENCIES_HZ < 8000)
    inverse = np.exp(np.log(field[middle]).mean()) / field
    bound = 10 ** (_EQUALISER_LIMIT_DB / 20)
    return np.asarray(minimum_phase(np.clip(inverse, 1 / bound, bound)[np.newaxis])[0])


def _front_level(minimum: Spectra, nodes: Floats) -> float:
    """Return how loud pink noise in front is, both ears together, relative to the input."""
    front = int(np.argmax(nodes[:, 0]))
    power = (np.abs(minimum[front]) ** 2 @ pink_weights()).mean()
    if not power > 0:
        raise HrtfError("has silent responses in front")
    return float(np.sqrt(power))


def _gains_db(head: PreparedHead) -> Floats:
    halves = np.arange(WIDTHS) * WIDTH_STEP_DEG / 2
    level = np.zeros_like(halves)
    pairs = [(at(head, halves, level), at(head, -halves, level))]
    for order, filters in ((ORDER, head.decoder), (1, head.first_order_decoder)):
        decoder = np.fft.rfft(filters, FRAMES, axis=-1)
        left, right = (
            np.einsum("wc,ecf->wef", ambisonics.harmonics(order, directions), decoder)
            for directions in (unit_vectors(halves, level), unit_vectors(-halves, level))
        )
        pairs.append((left, right))
    return np.stack([pair_gains_db(left, right) for left, right in pairs])
