"""What everybody should have read before they listen."""

from entrain.platform.folders import state_folder
from entrain.platform.whole_file import replace_file

NOTICE = (
    "Before you listen: do not use Entrain if you have ever had a seizure, unless a doctor agrees. "
    "Do not use it while driving or at machines. It is not a treatment, and no substitute for one. "
    "Stop when you feel unwell, and keep the volume moderate."
)
SHORT_NOTICE = "Not after a seizure without a doctor's advice, not while driving, and no treatment."

_FLAG = "notice-shown"


def notice_is_due() -> bool:
    """Whether this user has not seen `NOTICE` yet."""
    try:
        return not (state_folder() / _FLAG).exists()
    except OSError:
        return True


def remember_notice() -> None:
    """Note that it has been shown; where that cannot be noted, it is shown again."""
    try:
        replace_file(state_folder() / _FLAG, b"")
    except OSError:
        return
