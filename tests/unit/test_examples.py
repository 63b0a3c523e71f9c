"""The examples of README.md, docs/ and --help are right: Python is typed and runs, commands exist.

Python examples run in a private folder, with an Entrain that answers at the control socket and
whose engine has the block that docs/architecture.md adds.
"""

import contextlib
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
import needs
import pytest

import entrain
from entrain.tray.commands.cli import cli

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
BUILD = ROOT / "build/native"


@dataclass(frozen=True)
class Example:
    """A code block of a page, in one language."""

    page: str
    number: int
    text: str

    def __str__(self) -> str:
        return f"{self.page.replace('-', '_')}_{self.number}"


def examples(language: str) -> list[Example]:
    block = re.compile(rf"^```{language}\n(.*?)^```$", re.DOTALL | re.MULTILINE)
    return [
        Example(page.stem, number, text)
        for page in PAGES
        for number, text in enumerate(block.findall(page.read_text(encoding="utf-8")), 1)
    ]


PYTHON = examples("python")

PRECISE_TYPES = """
from typing import assert_type

import entrain
from entrain.vdevice.limits import State

with entrain.Client() as client:
    measured = client.status().measured
    assert measured and measured.tones
    assert_type(measured.tones.beat_hz, float)
    assert_type(client.ask("bypass")["bypass"], bool)
    with client.watching() as states:
        assert_type(next(states).state, State)
assert_type(entrain.verify("a").tones[0].beat_hz, float)
assert_type(entrain.render("a", "b").frames, int)
assert_type(entrain.faust.Am().rate_hz, float)
assert_type(entrain.Engine().latency_frames, int)
entrain.nonsense  # type: ignore[attr-defined]
"""
"""A script whose types are right only if `import entrain` has precise types."""


# ---- Python --------------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def with_documented_block(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a folder with the installed Entrain, whose engine has one more block.

    If `make test` is just building that engine, wait for it.
    """
    build = [ROOT / ".ci/native", "plain", "2", "entrain_extra_blocks"]
    subprocess.run(build, check=True, timeout=1500)
    installed = Path(entrain.__file__).parent
    folder = tmp_path_factory.mktemp("installed")
    instead = {
        "faust.py": BUILD / "native/faust/faust.py",
        "lib/libentrain.so": BUILD / "lib/libentrain_extra_blocks.so",
    }
    for name in ("entrain", "entrain/lib"):
        (folder / name).mkdir()
    for path in [*installed.iterdir(), *(installed / "lib").iterdir()]:
        name = str(path.relative_to(installed))
        if name not in ("lib", "__pycache__"):
            (folder / "entrain" / name).symlink_to(instead.get(name, path))
    return folder


@pytest.fixture
def run(
    tmp_path: Path, serve: Callable[..., Any]
) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Return a function that runs a program in the test's folder, which is also its home.

    The program finds an Entrain that is idle, and the Python packages in the folder `packages`.
    """
    tmp_path.chmod(0o700)
    serve(tmp_path / "entrain" / "control.sock")

    def run(*command: str | Path, packages: Path | None = None) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            command,
            cwd=tmp_path,
            env={
                "PATH": os.environ["PATH"],
                "HOME": str(tmp_path),
                "XDG_RUNTIME_DIR": str(tmp_path),
                "PYTHONPATH": str(packages or ""),
                "PYTHONWARNINGS": "error",
            },
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=60,
            check=False,
        )

    return run


def test_there_are_examples():
    assert {example.page for example in PYTHON} >= {"architecture", "control-api"}


def test_python_examples_are_typed(with_documented_block, tmp_path):
    for example in PYTHON:
        (tmp_path / f"{example}.py").write_text(example.text, encoding="utf-8")
    for path in (ROOT / "docs/examples").glob("*.py"):
        shutil.copy(path, tmp_path)
    (tmp_path / "precise_types.py").write_text(PRECISE_TYPES, encoding="utf-8")
    options = ["--config-file", ROOT / "pyproject.toml", "--strict", "--follow-imports=silent"]
    done = subprocess.run(
        [sys.executable, "-m", "mypy", *options, "--cache-dir", ROOT / "build/mypy/examples", "."],
        cwd=tmp_path,
        env=os.environ | {"MYPYPATH": str(with_documented_block)},
        text=True,
        stdout=subprocess.PIPE,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("example", PYTHON, ids=str)
def test_a_python_example_runs(example, run, tmp_path, request):
    is_test = "\ndef test_" in example.text
    needs_block = example.page == "architecture"
    packages = request.getfixturevalue("with_documented_block") if needs_block else None
    file = tmp_path / f"{'test_' * is_test}{example}.py"
    file.write_text(example.text, encoding="utf-8")

    done = run(
        sys.executable,
        *(["-m", "pytest", "-q", "-c", os.devnull] * is_test),
        file,
        packages=packages,
    )

    assert done.returncode == 0, done.stdout
    if not is_test:
        assert done.stdout == "idle\n"


def test_the_notebook_that_makes_a_protocol_runs(run, tmp_path):
    """The notebook that sweeps a beat needs live sound: tests/device/test_notebook.py."""
    done = run(sys.executable, ROOT / "docs/examples/make_a_protocol.py")

    assert done.returncode == 0, done.stdout
    assert done.stdout.endswith("\nbeat 16.0 Hz, swell 16.0 Hz\n")
    check_command("entrain use my-focus/my-focus.json")
    assert (tmp_path / "my-focus/my-focus.json").stat().st_size > 100


# ---- shell ---------------------------------------------------------------------------------------

SHELL = [
    (example, line)
    for example in examples("sh")
    for line in example.text.splitlines()
    if line.strip()
]
NAMED = [
    name
    for page in PAGES
    for name in re.findall(r"`((?:entrain|make) [a-z-][^`]*)`", page.read_text(encoding="utf-8"))
]


def help_examples(command: click.Command) -> Iterator[str]:
    """Yield the examples in the --help of a command and its subcommands; two spaces end each."""
    yield from re.findall(r"^ +(entrain .*?)(?:  .*)?$", command.help or "", re.MULTILINE)
    for each in command.commands.values() if isinstance(command, click.Group) else ():
        yield from help_examples(each)


HELP = list(help_examples(cli))


OTHERS = ("gsettings", "open-stage-control", "~/.local/share/entrain/venv/bin/python")
"""Programs of others in the examples, which may be absent."""


def check_command(line: str) -> None:
    """Check that a line's program accepts its arguments; required arguments may be missing.

    Raises
    ------
    click.UsageError
        A command or an option does not exist, or a value is wrong.
    AssertionError
        `make` does not have this target.

    """
    command = re.split(r" [|>]+ ", line)[0]  # the shell handles pipes and redirections
    program, *arguments = shlex.split(command, comments=True)
    if program in OTHERS or re.match(r"\w+=", program):  # the shell's variables
        return
    if program == "ssh":
        program, *arguments = arguments[arguments.index("entrain") :]
    if program == "make":
        targets = re.findall(r"^([a-z0-9-]+):", (ROOT / "Makefile").read_text("utf-8"), re.M)
        assert {each for each in arguments if "=" not in each} <= set(targets)
    else:
        assert program in ("entrain", ".venv/bin/entrain")
        _check_arguments(cli, arguments)


def _check_arguments(command: click.Command, arguments: list[str]) -> None:
    if isinstance(command, click.Group) and arguments:
        assert arguments[0] in command.commands or arguments[0].startswith("-")
        if arguments[0] in command.commands:
            return _check_arguments(command.commands[arguments[0]], arguments[1:])
    with contextlib.suppress(click.MissingParameter, click.exceptions.Exit):  # --help exits
        command.make_context(command.name, arguments)


@pytest.fixture
def named_files(tmp_path, monkeypatch):
    """Go to a folder with the files that the examples name."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in ("song.flac", "song-alpha.flac", "evening.gnaural", "evening.json", "mine.json"):
        Path(name).touch()
    Path("sbagen").mkdir()


@pytest.mark.parametrize(
    "line", [*(line for each, line in SHELL if each.page != "control-api"), *NAMED, *HELP]
)
def test_a_command_exists_with_its_options(line, named_files):
    check_command(line)


@pytest.mark.parametrize(
    "line",
    [
        "make coffee",
        "entrain coffee",
        "ssh -t computer entrain coffee",
        "coffee",
        "entrain use --coffee",
        "entrain sleep coffee",
    ],
)
def test_a_command_that_does_not_exist_is_noticed(line):
    with pytest.raises((click.UsageError, AssertionError)):
        check_command(line)


@pytest.mark.parametrize("tool", ["socat", "nc"])
def test_a_shell_can_ask_at_the_socket(tool, run):
    (example,) = [example for example in examples("sh") if example.page == "control-api"]
    socket, *lines = example.text.splitlines()
    (line,) = [line for line in lines if tool in line]
    needs.skip_without_programs(tool, *(["jq"] if "jq" in line else []))

    done = run("bash", "-c", f"{socket}\nset -o pipefail\n{line}")

    assert done.returncode == 0, done.stdout
    assert "idle" in done.stdout
