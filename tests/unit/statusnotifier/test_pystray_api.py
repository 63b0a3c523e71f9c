"""pystray without a display."""

import subprocess
import sys

import pytest


@pytest.mark.parametrize("backend", [None, "xorg"])
def test_importing_needs_no_display_and_leaves_the_environment_alone(backend, monkeypatch):
    if backend:
        monkeypatch.setenv("PYSTRAY_BACKEND", backend)
    code = f"""
import os, sys
from entrain.tray.statusnotifier.pystray_api import KeyedItem, Menu
assert os.environ.get("PYSTRAY_BACKEND") == {backend!r}
import pystray
item = KeyedItem("k", "text", None, checked=lambda _: True)
assert isinstance(item, pystray.MenuItem)
assert (item.key, item.text, item.checked) == ("k", "text", True)
assert "Xlib" not in sys.modules and "PIL" not in sys.modules
"""
    subprocess.run([sys.executable, "-c", code], check=True)
