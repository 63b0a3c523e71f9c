"""All sources of aligned responses: SOFA files, and the built-in heads."""

from pathlib import Path

from entrain.vdevice.hrtf.errors import HrtfError
from entrain.vdevice.hrtf.preparation import kemar, sofa, sphere
from entrain.vdevice.hrtf.preparation.alignment import AlignedSet, align

_BUILT_IN = {"kemar": kemar.kemar, "sphere": sphere.sphere}


def aligned(source: str) -> AlignedSet:
    """Return the responses of a built-in head, or of a SOFA file at an absolute path.

    Raises
    ------
    HrtfError
        The file cannot be used.

    """
    if source in _BUILT_IN:
        return _BUILT_IN[source]()
    path = Path(source)
    measured = sofa.read(path)
    try:
        return align(measured)
    except HrtfError as error:
        raise HrtfError(f"{path.name} {error}") from None
