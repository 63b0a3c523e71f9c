"""Fills the cache of a private home with the built-in heads, so that no test waits for them."""

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from entrain.vdevice.hrtf import process, sets
from entrain.vdevice.hrtf.sets import Card


def prepare_heads(environment: Mapping[str, str]) -> None:
    """Prepare the built-in heads for the Entrain of this environment, in processes of their own."""
    for name in sets.BUILT_IN:
        file = sets.head_path(Card(name, "")).name
        head = Path(environment["XDG_CACHE_HOME"], "entrain", "heads", file)
        subprocess.run(
            [sys.executable, "-P", "-m", process._WORKER, "prepare", name, str(head)],
            env={**os.environ, **environment},
            check=True,
            stdout=subprocess.DEVNULL,
        )
