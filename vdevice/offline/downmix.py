"""Sound in more than two channels becomes stereo."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt


_3_DB, _6_DB = 0.5**0.5, 0.5
DOWNMIX: dict[int, tuple[tuple[float, ...], tuple[float, ...]]] = {
    # what each ear gets of each channel, in the order of WAVE files
    1: ((1,), (1,)),
    2: ((1, 0), (0, 1)),
    3: ((1, 0, _3_DB), (0, 1, _3_DB)),  # L R C
    4: ((1, 0, _3_DB, 0), (0, 1, 0, _3_DB)),  # L R Ls Rs
    5: ((1, 0, _3_DB, _3_DB, 0), (0, 1, _3_DB, 0, _3_DB)),  # L R C Ls Rs
    6: ((1, 0, _3_DB, 0, _3_DB, 0), (0, 1, _3_DB, 0, 0, _3_DB)),  # L R C LFE Ls Rs
    7: ((1, 0, _3_DB, 0, _6_DB, _3_DB, 0), (0, 1, _3_DB, 0, _6_DB, 0, _3_DB)),  # … LFE Cs Ls Rs
    8: (  # L R C LFE Lb Rb Ls Rs
        (1, 0, _3_DB, 0, _3_DB, 0, _3_DB, 0),
        (0, 1, _3_DB, 0, 0, _3_DB, 0, _3_DB),
    ),
}


def downmix(block: "npt.NDArray[np.float32]") -> "npt.NDArray[np.float32]":
    """Fold any usual number of channels down to two.

    Both ears get a mono sound as it is.  With more than two channels the coefficients are those
    of ITU-R BS.775-4 (centre and surround at -3 dB, a middle surround at -6 dB, no LFE); the
    sum is not scaled: what exceeds full scale is the limiter's business.

    Parameters
    ----------
    block : (frames, channels) float32 ndarray
        1 to 8 channels, in the order of WAVE files.

    Returns
    -------
    (2, frames) float32 ndarray, C-contiguous

    """
    import numpy as np

    matrix = np.array(DOWNMIX[block.shape[1]], np.float32)
    if block.shape[1] <= 2:  # exact, and quick
        return np.ascontiguousarray(np.broadcast_to(block.T, (2, len(block))))
    return np.ascontiguousarray(matrix @ block.T)
