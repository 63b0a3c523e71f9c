"""Checks the ends of a MIDI control's way, before a control is learned or mapped."""

from entrain.block import Parameter
from entrain.errors import EntrainError


def check_ends(
    target: str, low: float | None, high: float | None, parameter: Parameter | None
) -> None:
    """Refuse ends with which a control would have no effect, or another one than it says.

    Parameters
    ----------
    target : str
        The parameter's address.
    low, high : float or None
        Values at both ends of the control, in the parameter's unit; None: the parameter's own end.
    parameter : Parameter or None
        The target; None: it is not there now, so its range is not known.

    Raises
    ------
    EntrainError
        An end is outside of the parameter's range, or both ends are the same.

    """
    if parameter is not None:
        least, most = parameter.minimum, parameter.maximum
        for end in (low, high):
            if end is not None and not least <= end <= most:
                unit = "" if parameter.unit == "1" else f" {parameter.unit}"
                raise EntrainError(
                    f"{target} goes from {least:g} to {most:g}{unit}, "
                    f"so no control of it can have an end at {end:g}"
                )
        own_low, own_high = parameter.knob_ends
        low, high = own_low if low is None else low, own_high if high is None else high
    if low is not None and low == high:
        raise EntrainError(
            f"both ends of the control of {target} would be {low:g}; choose two different values"
        )
