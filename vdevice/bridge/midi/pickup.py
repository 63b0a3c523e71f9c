"""Pick-up: a knob has no effect until it meets or crosses the value.  Pure."""

NEAR = 1 / 127
"""A knob that is nearer than this to the value holds it: one step of seven bits."""


class Pickup:
    """Whether one control holds one value.

    Parameters
    ----------
    is_always : bool
        The control holds the value at once: a motor fader or an LED ring follows the value itself.

    """

    def __init__(self, is_always: bool = False) -> None:
        self.holds = is_always
        self.is_always = is_always
        self.position: float | None = None
        """Last position of the control, 0 … 1; None: not known."""

    def move(self, position: float, value: float) -> bool:
        """Note a movement; returns whether the control holds the value.

        Parameters
        ----------
        position : float
            The control's new position, 0 … 1.
        value : float
            The position of the present value, 0 … 1.

        """
        last, self.position = self.position, position
        if not self.holds:
            has_crossed = last is not None and (last - value) * (position - value) < 0
            self.holds = has_crossed or abs(position - value) <= NEAR
        return self.holds

    def release(self) -> None:
        """Let the value go: it has been changed elsewhere."""
        self.holds = self.is_always

    def forget(self) -> None:
        """Let the value go and forget the position: the device was unplugged."""
        self.release()
        self.position = None
