"""Commands of `entrain` in broken surroundings: no home, no memory, garbage in its files.

This process imports Entrain once and forks for each command, so that hundreds take seconds.  As a
script it prints each command that has not ended well, and how many have run.
"""

import contextlib
import gc
import importlib
import io
import itertools
import os
import pwd
import re
import resource
import shutil
import signal
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path

import click

TIMEOUT_S = 30.0
_LOOK_S = 0.2
AT_ONCE = 3
MARKS = (b"Traceback", b"Exception ignored", b"Fatal Python error", b"internal error")

STORED = (
    "state/entrain/state.json",
    "state/entrain/sessions.jsonl",
    "state/entrain/entrain.log",
    "state/entrain/notice-shown",
    "data/entrain/protocols/mine.json",
    "data/applications/org.entrain.Entrain.desktop",
    "config/autostart/org.entrain.Entrain.desktop",
)
"""All files that Entrain keeps for its user."""

_VALUES = {
    "protocol": ("mine",),
    "name": ("Mine",),
    "address": ("tone.beat_hz",),
    "value": ("4",),
    "files": ("{data}/entrain/protocols/mine.json",),
    "paths": ("{data}/entrain/protocols",),
    "source": ("{place}/in.wav",),
    "destination": ("{place}/out.wav",),
    "minutes": ("5",),
}
"""Values by the argument's name; for another argument its type decides."""


def command_lines(choices: int) -> list[tuple[str, ...]]:
    """Return all command lines, with at most this number of choices for each argument."""
    from entrain.tray.commands.cli import cli

    return [
        (*path, *values)
        for path, command in _leaves(cli, ())
        for values in itertools.product(
            *(
                _values(argument)[:choices]
                for argument in command.params
                if isinstance(argument, click.Argument)
            )
        )
    ]


def _leaves(
    command: click.Command, path: tuple[str, ...]
) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    if isinstance(command, click.Group):
        for name, inner in command.commands.items():
            yield from _leaves(inner, (*path, name))
    else:
        yield path, command


def _values(argument: click.Argument) -> tuple[str, ...]:
    if isinstance(argument.type, click.Choice):
        return tuple(map(str, argument.type.choices))
    if isinstance(argument.type, click.IntRange):
        return ("1",)
    return _VALUES.get(argument.name or "", ("x",))


# ---- broken surroundings -----------------------------------------------------------------------


def well(_: Path) -> None:
    """Break nothing, as a control for the other cases."""


def no_home(_: Path) -> None:
    """Remove the user's home folder and the entry in the system's list of users."""

    def nobody(_: object) -> pwd.struct_passwd:
        raise KeyError

    for name in ("HOME", *(each for each in os.environ if each.startswith("XDG_"))):
        os.environ.pop(name, None)
    pwd.getpwuid = nobody  # type: ignore[assignment]


def no_session(place: Path) -> None:
    from entrain.platform import folders

    del os.environ["XDG_RUNTIME_DIR"]
    folders.SESSIONS = place / "none"


def planted_link(place: Path) -> None:
    """Put a link where Entrain makes its runtime folder outside of a session."""
    no_session(place)
    (place / f"runtime-{os.geteuid()}").symlink_to(place / "elsewhere")


def planted_folder(place: Path) -> None:
    no_session(place)
    (place / f"runtime-{os.geteuid()}").mkdir()
    _give_away(place / f"runtime-{os.geteuid()}")


def session_of_another(place: Path) -> None:
    """Give the runtime folder to another user, as `sudo` does."""
    _give_away(place / "run")


def no_place_for_temporary_files(place: Path) -> None:
    no_session(place)
    tempfile.tempdir = None
    tempfile._candidate_tempdir_list = lambda: ["/proc"]  # type: ignore[attr-defined]


def folders_that_cannot_be_made(_: Path) -> None:
    for name in ("HOME", *(each for each in os.environ if each.startswith("XDG_"))):
        os.environ[name] = "/proc/sys/nowhere"


def files_for_folders(place: Path) -> None:
    for name in ("state", "data", "config", "run"):
        shutil.rmtree(place / name)
        (place / name).touch()


def pipes_for_files(place: Path) -> None:
    _each(place, os.mkfifo)


def circles_for_files(place: Path) -> None:
    _each(place, lambda path: path.symlink_to(path.name))


def folders_for_files(place: Path) -> None:
    _each(place, Path.mkdir)


def garbage_in_files(place: Path) -> None:
    _each(place, lambda path: path.write_bytes(b"\xff\x00{[\n" * 1000))


def a_file_for_the_socket(place: Path) -> None:
    (place / "run" / "entrain").mkdir()
    (place / "run" / "entrain" / "control.sock").write_text("no socket")


def few_descriptors(_: Path) -> None:
    _limit(resource.RLIMIT_NOFILE, 16)


def hardly_any_descriptors(_: Path) -> None:
    _limit(resource.RLIMIT_NOFILE, 5)


def no_more_memory(_: Path) -> None:
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    _limit(resource.RLIMIT_AS, pages * resource.getpagesize() + (2 << 20))


def closed_streams(_: Path) -> None:
    for fd in range(3):
        os.close(fd)
    sys.stdin = sys.stdout = sys.stderr = None  # type: ignore[assignment]  # as Python starts then


def a_full_disk_for_output(_: Path) -> None:
    os.dup2(os.open("/dev/full", os.O_WRONLY), 1)


def a_broken_pipe(_: Path) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    os.dup2(writer, 1)


def a_locale_without_letters(_: Path) -> None:
    os.environ |= {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    for fd, name in ((1, "stdout"), (2, "stderr")):
        setattr(sys, name, io.TextIOWrapper(io.FileIO(fd, "w"), "ascii", write_through=True))


def a_deleted_working_directory(place: Path) -> None:
    (place / "gone").mkdir()
    os.chdir(place / "gone")
    (place / "gone").rmdir()


SURROUNDINGS: tuple[Callable[[Path], None], ...] = (
    *(well, no_home, no_session, planted_link, planted_folder, session_of_another),
    *(no_place_for_temporary_files, folders_that_cannot_be_made, files_for_folders),
    *(pipes_for_files, circles_for_files, folders_for_files, garbage_in_files),
    *(a_file_for_the_socket, few_descriptors, hardly_any_descriptors, no_more_memory),
    *(closed_streams, a_full_disk_for_output, a_broken_pipe, a_locale_without_letters),
    a_deleted_working_directory,
)


def _each(place: Path, make: Callable[[Path], object]) -> None:
    for name in STORED:
        (place / name).parent.mkdir(parents=True, exist_ok=True)
        (place / name).unlink(missing_ok=True)
        make(place / name)


def _give_away(path: Path) -> None:
    if os.geteuid() == 0:  # only root can change an owner; other users skip this damage
        os.chown(path, 12345, 12345)


def _limit(what: int, most: int) -> None:
    resource.setrlimit(what, (most, resource.getrlimit(what)[1]))


# ---- one command -------------------------------------------------------------------------------


def prepare(place: Path) -> None:
    """Make the folders of a user who has one protocol."""
    for name in ("state", "data", "config", "cache", "run"):
        (place / name).mkdir(mode=0o700)
    own = place / "data" / "entrain" / "protocols"
    own.mkdir(parents=True)
    text = '{"schema_version": 3, "id": "mine", "name": "Mine", "layers": [{"kind": "am"}]}'
    (own / "mine.json").write_text(text)
    shutil.copy(os.environ["ENTRAIN_TEST_SOUND"], place / "in.wav")


def settle(place: Path) -> None:
    """Make this process one of that user's, without a sound server."""
    os.chdir(place)
    for name in list(os.environ):
        if name.startswith(("XDG_", "PULSE_", "PIPEWIRE_", "DBUS_", "ENTRAIN_")):
            del os.environ[name]
    places = {"STATE_HOME": "state", "DATA_HOME": "data", "CONFIG_HOME": "config"}
    places |= {"CACHE_HOME": "cache", "RUNTIME_DIR": "run"}
    os.environ |= {f"XDG_{name}": str(place / folder) for name, folder in places.items()}
    os.environ |= {"HOME": str(place), "PULSE_SERVER": f"unix:{place}/none"}
    tempfile.tempdir = str(place)


def end_process(arguments: tuple[str, ...], place: Path, broken: Callable[[Path], None]) -> None:
    """Run one command in this forked process, and end the process."""
    code = 99
    try:
        settle(place)
        values = {"place": place, "data": place / "data"}
        sys.argv = ["entrain", *(each.format(**values) for each in arguments)]
        if arguments[0] == "run":
            os.environ["ENTRAIN_PLATFORM"] = "null"
            sys.argv += ["--headless", "--backend", "null"]
        output = os.open(place / "output", os.O_WRONLY | os.O_CREAT)
        for fd in (1, 2):
            os.dup2(output, fd)
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        os.closerange(3, 64)
        broken(place)
        from entrain.tray.__main__ import main

        main()
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else 0 if end.code is None else 1
    except BaseException:
        with contextlib.suppress(Exception):
            resource.setrlimit(resource.RLIMIT_AS, (-1, -1))
            with open(place / "traceback", "w", encoding="utf-8") as file:
                traceback.print_exc(file=file)
    with contextlib.suppress(BaseException):
        sys.stdout.flush()
    os._exit(code)


class _Process:
    """A running command."""

    def __init__(self, arguments: tuple[str, ...], broken: Callable[[Path], None]) -> None:
        self.name = f"{broken.__name__}: entrain {' '.join(arguments)}"
        self._runs_on = arguments[0] == "run"
        self._place = Path(tempfile.mkdtemp(prefix="e"))
        self._began_s = self._looked_s = time.monotonic()
        prepare(self._place)
        self.pid = os.fork()
        if self.pid == 0:
            end_process(arguments, self._place, broken)
        self._trouble = ""

    def has_ended(self) -> bool:
        """Tell whether the command has ended; stop `entrain run` and a command that hangs."""
        pid, status = os.waitpid(self.pid, os.WNOHANG)
        age_s = time.monotonic() - self._began_s
        if pid == 0:
            if age_s > TIMEOUT_S:
                self._trouble = f"does not end within {TIMEOUT_S:g} s"
                os.kill(self.pid, signal.SIGKILL)
            elif self._runs_on and time.monotonic() - self._looked_s > _LOOK_S:
                self._looked_s = time.monotonic()
                if _handles_sigterm(self.pid):
                    self._runs_on = False
                    os.kill(self.pid, signal.SIGTERM)
            return False
        code = os.waitstatus_to_exitcode(status)
        if code < 0 and not self._trouble:
            self._trouble = f"ends by signal {-code}"
        return True

    def trouble(self) -> str:
        """Describe what went wrong; an empty text if the command ended well."""
        said = b""
        for name in ("output", "traceback"):
            with contextlib.suppress(OSError):
                said += (self._place / name).read_bytes()
        shutil.rmtree(self._place)
        if not self._trouble and any(mark in said for mark in MARKS):
            self._trouble = "prints a traceback or an internal error"
        if not self._trouble:
            return ""
        return f"{self.name}: {self._trouble}\n{said.decode(errors='replace')}"


def _handles_sigterm(pid: int) -> bool:
    """Tell whether `entrain run` has installed its handler for SIGTERM."""
    (caught,) = re.findall(r"SigCgt:\s*(\w+)", Path(f"/proc/{pid}/status").read_text())
    return bool(int(caught, 16) >> (signal.SIGTERM - 1) & 1)


_EARLY = (
    *("entrain.vdevice.app", "entrain.vdevice.api.client", "entrain.vdevice.protocol.import_files"),
    *(
        "entrain.tray.text.status_text",
        "entrain.tray.text.protocol_text",
        "entrain.tray.text.text_layout",
        "entrain.tray.icon.drawing",
    ),
    "entrain.platform.linux",
)
"""Modules that most commands import.

With the other modules loaded, scipy among them, a fork takes four times as long.
"""
_LATE_COMMANDS = "entrain.tray.commands.offline"
_LATE = (
    "entrain.vdevice.offline.render",
    "entrain.vdevice.verify.analyse",
    "entrain.vdevice.offline.doctor",
)


def main(only: str = "") -> int:
    for module in _EARLY:
        importlib.import_module(module)
    from entrain.tray.commands.cli import cli

    waiting = [
        (arguments, broken)
        for broken in SURROUNDINGS
        for arguments in command_lines(9 if broken is well else 1)
        if only in f"{broken.__name__} {' '.join(arguments)}"
    ]
    late = [each for each in waiting if _module_of(cli.commands[each[0][0]]) == _LATE_COMMANDS]
    bad = _run_all([each for each in waiting if each not in late])
    for module in _LATE:
        importlib.import_module(module)
    bad += _run_all(late)
    times = resource.getrusage(resource.RUSAGE_CHILDREN), resource.getrusage(resource.RUSAGE_SELF)
    cpu_s = sum(each.ru_utime + each.ru_stime for each in times)
    print(f"{len(waiting)} commands, {bad} failed, {cpu_s:.1f} s CPU")
    return bool(bad)


def _module_of(command: click.Command) -> str:
    return str(getattr(command.callback, "__module__", ""))


def _run_all(waiting: list[tuple[tuple[str, ...], Callable[[Path], None]]]) -> int:
    """Run commands, a few at once; return the number of failed ones."""
    from entrain.engine import blocks

    blocks()
    gc.collect()
    gc.freeze()
    running: list[_Process] = []
    bad = 0
    while waiting or running:
        while waiting and len(running) < AT_ONCE:
            running.append(_Process(*waiting.pop()))
        time.sleep(0.01)
        for process in [each for each in running if each.has_ended()]:
            running.remove(process)
            if trouble := process.trouble():
                bad += 1
                print(trouble, flush=True)
    return bad


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
