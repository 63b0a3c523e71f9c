"""A user with an installed Entrain, who logs in and out."""

import json
import os
import signal
import subprocess
import sys
import sysconfig
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from session_bus import wait_until

import entrain

# The script that pip writes if the path contains a space.
_SCRIPT = """\
#!/bin/sh
'''exec' "{python}" "$0" "$@"
' '''
from entrain.tray.__main__ import main
main()
"""


class Login:
    """Sessions of one user, one after the other.

    Parameters
    ----------
    environment : mapping of str
        Variables that name the user's folders, the session bus and the sound server.

    """

    def __init__(self, environment: Mapping[str, str]) -> None:
        # The system's own autostart entries are left out.
        self.environment = {**environment, "XDG_CONFIG_DIRS": "/nonexistent"}
        self.program = _install(Path(environment["XDG_DATA_HOME"]) / "entrain/venv")
        self._log = Path(environment["HOME"]) / "log"
        self._session = 0

    def log_in(self) -> str:
        """Start the autostart programs; return the log that names them."""
        self._log.write_text("")
        with self._log.open("a") as log:
            dex = subprocess.Popen(
                ["dex", "--autostart", "--verbose"],
                env={**self.environment, "PYTHONUNBUFFERED": "1"},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                process_group=0,
            )
        self._session = dex.pid
        assert dex.wait(20) == 0
        return self._log.read_text()

    def log_out(self) -> None:
        """End the session's programs as a session manager does."""
        if not self._session:
            return
        if self.processes():
            os.killpg(self._session, signal.SIGTERM)
        wait_until(lambda: not self.processes(), "all programs of the session have ended")
        self._session = 0

    def close(self) -> None:
        """End the session, even if a program hangs."""
        try:
            self.log_out()
        finally:
            if self._session and self.processes():
                os.killpg(self._session, signal.SIGKILL)

    def processes(self) -> list[int]:
        """Return the ids of the session's running processes."""
        found = []
        for path in Path("/proc").glob("[0-9]*/stat"):
            try:
                state, _parent, group, *_ = path.read_text().rpartition(") ")[2].split()
            except OSError:  # it has just ended
                continue
            if int(group) == self._session and state not in "ZX":
                found.append(int(path.parent.name))
        return found

    def __call__(self, *arguments: str) -> str:
        """Run a command that must succeed, and return what it prints."""
        done = self.command(*arguments)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def command(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        """Run the installed ``entrain`` to its end."""
        return subprocess.run(
            [self.program, *arguments],
            env=self.environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=30,
        )

    def wait_for(self, **wanted: object) -> dict[str, Any]:
        """Wait until Entrain's status has these values."""
        seen: dict[str, Any] = {}

        def matches() -> bool:
            done = self.command("status", "--json")
            seen.clear()
            seen.update(json.loads(done.stdout) if done.returncode == 0 else {})
            return bool(seen) and all(seen[key] == value for key, value in wanted.items())

        try:
            wait_until(matches, f"status has {wanted}")
        except AssertionError as error:
            said = self._log.read_text()
            raise AssertionError(f"{error}; it is {seen}; the log: {said}") from None
        return seen


def _install(venv: Path) -> Path:
    """Install this Python's packages where `make install` does: outside of any clone."""
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", venv], check=True, timeout=60)
    own = Path(entrain.__file__).absolute().parent.parent
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    places = dict.fromkeys([str(own), sysconfig.get_path("purelib"), sysconfig.get_path("platlib")])
    (venv / "lib" / version / "site-packages/here.pth").write_text("\n".join(places) + "\n")
    program = venv / "bin/entrain"
    program.write_text(_SCRIPT.format(python=venv / "bin/python"))
    program.chmod(0o755)
    return program
