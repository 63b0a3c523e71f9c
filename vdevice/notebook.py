"""Functions for scripts and notebooks that work with sound files, without a running Entrain.

They check their arguments as the command line does.  `import entrain` offers them.
"""

import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from entrain.engine import blocks
from entrain.errors import EntrainError
from entrain.vdevice.limits import MAX_VERIFY_HZ, MAX_VERIFY_START_S, MIN_VERIFY_HZ, SpaceMode
from entrain.vdevice.offline.render import render_file
from entrain.vdevice.offline.reports import RenderSummary
from entrain.vdevice.offline.space import chosen_head, users_space
from entrain.vdevice.protocol import library
from entrain.vdevice.protocol.check import check
from entrain.vdevice.protocol.model import Protocol
from entrain.vdevice.verify.needed_packages import verify_installed

if TYPE_CHECKING:
    from entrain.vdevice.verify.report import VerifyReport

FileName = str | os.PathLike[str]
Progress = Callable[[int, int], None]


def render(
    source: FileName,
    destination: FileName,
    protocol: Protocol | str = "default",
    *,
    space: SpaceMode = "off",
    force: bool = False,
    progress: Progress | None = None,
) -> RenderSummary:
    """Process a sound file with the engine that also processes live sound.

    Parameters
    ----------
    source : str or path
        8 to 192 kHz, up to 8 channels, any format that libsndfile reads.
    destination : str or path
        The suffix selects the format.  An existing sound file is replaced.
    protocol : Protocol or str
        A protocol, or as on the command line the id of one in the library, a file or a SPEC.
    space : {"off", "speakers", "scene"}
        Places the music if the protocol leaves the space to the user.
    force : bool
        Replace any existing file, even if it is not a sound file.
    progress : callable, optional
        Called with the number of finished frames and the number of all frames.

    Returns
    -------
    RenderSummary
        Length, levels in dBFS, speed, and defects of the source.

    Raises
    ------
    EntrainError
        The protocol is not possible, or a file cannot be read or written.

    """
    if isinstance(protocol, Protocol):
        check(protocol, blocks)
    else:
        protocol = library.resolve(protocol, (), blocks)
    layer = users_space(space)
    needs_head = protocol.space or (layer and protocol.spatial is None)
    return render_file(
        Path(source),
        Path(destination),
        protocol,
        progress=progress,
        force=force,
        space=layer,
        head=chosen_head() if needs_head else None,
    )


def verify(
    source: FileName,
    against: FileName | None = None,
    *,
    rate_hz: float | None = None,
    start_s: float | None = None,
    progress: Progress | None = None,
) -> "VerifyReport":
    """Measure the entrainment in a sound file of any origin.

    Parameters
    ----------
    source : str or path
        Mono or stereo, any format that libsndfile reads.
    against : str or path, optional
        The original from which `source` was made.
    rate_hz : float, optional
        The rate to examine, 0.5 to 100 Hz; by default the rate is searched.
    start_s : float, optional
        Where the examined minute begins; by default it lies in the middle.
    progress : callable, optional
        Called with the finished work and the total work.

    Returns
    -------
    VerifyReport
        Tones, swells, the phase between the ears, and a verdict in words.

    Raises
    ------
    EntrainError
        A file cannot be read, an argument is out of range, or scipy is missing.

    """
    if rate_hz is not None and not MIN_VERIFY_HZ <= rate_hz <= MAX_VERIFY_HZ:
        raise EntrainError(
            f"rate_hz = {rate_hz:g} is outside {MIN_VERIFY_HZ:g} … {MAX_VERIFY_HZ:g} Hz"
        )
    if start_s is not None and not 0 <= start_s <= MAX_VERIFY_START_S:
        raise EntrainError(f"start_s = {start_s:g} is outside 0 … {MAX_VERIFY_START_S:g} s")
    with verify_installed():
        from entrain.vdevice.verify.analyse import verify_file
    report, _ = verify_file(
        Path(source), Path(against) if against is not None else None, rate_hz, start_s, progress
    )
    return report
