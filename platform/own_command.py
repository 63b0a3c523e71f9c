"""How the user can type this Entrain's command."""

import os
import shlex
import sys
from pathlib import Path

_NAME = "entrain"


def typed_command() -> str:
    """Return ``entrain``, or the path by which this process was started if PATH lacks it."""
    started = Path(sys.argv[0])
    on_path = any(os.access(Path(folder, _NAME), os.X_OK) for folder in os.get_exec_path())
    return _NAME if on_path or started.name != _NAME else shlex.quote(str(started))
