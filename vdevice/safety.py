"""The safety notice, and whether this user has seen it."""

from entrain.platform.folders import state_folder
from entrain.platform.whole_file import replace_file

NOTICE = (
    "Before you listen: if you have ever had a seizure, ask a doctor first. Do not use Entrain "
    "while driving or operating machinery. Entrain is not a medical treatment and does not replace "
    "one. Stop if you feel unwell, and keep the volume moderate."
)
SHORT_NOTICE = (
    "If you have ever had a seizure, ask a doctor first. Do not use while driving. "
    "Not a medical treatment."
)

_FLAG = "notice-shown"


def notice_is_due() -> bool:
    """Return whether this user has not seen `NOTICE` yet."""
    try:
        return not (state_folder() / _FLAG).exists()
    except OSError:
        return True


def remember_notice() -> None:
    """Remember that this user has seen `NOTICE`; if saving fails, it will appear again."""
    try:
        replace_file(state_folder() / _FLAG, b"")
    except OSError:
        return
