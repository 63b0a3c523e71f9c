"""The build refuses blocks that must not be linked or that the engine could not use."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

HEAD = """
declare name "trial";
declare group "{group}";
declare license "MIT";
declare description "For a test";
import("stdfaust.lib");
"""


@pytest.fixture
def build(tmp_path):
    """Compile one source; returns the compiler's exit code and what it says."""

    def build(body: str, group: str = "processor") -> tuple[int, str]:
        source = tmp_path / "trial.dsp"
        source.write_text(HEAD.format(group=group) + body)
        script = ROOT / "native/cmake/compile_faust.py"
        library = ROOT / "faust/lib"
        done = subprocess.run(
            [sys.executable, script, tmp_path / "out", library, source],
            capture_output=True,
            text=True,
            check=False,
        )
        return done.returncode, done.stderr

    return build


def test_a_plain_block_is_built(build, tmp_path):
    assert build("process = _, _;") == (0, "")
    assert "block_trial" in (tmp_path / "out/block_table.hpp").read_text()


@pytest.mark.parametrize(
    "function",
    ["co.limiter_lad_stereo(0.01, 1, 0.01, 0.1, 1)", "par(i, 2, ba.slidingMax(8, 16))"],
)
def test_a_function_under_the_gpl_fails_the_build(build, function):
    """Licences differ from function to function; their authors spell the key in two ways."""
    code, said = build(f"process = {function};")
    assert code == 1
    assert "GPL" in said


def test_the_lgpl_is_another_licence(build):
    assert build("process = par(i, 2, *(ma.PI / 4));")[0] == 0  # maths.lib is LGPL + exception


@pytest.mark.parametrize(
    ("body", "group", "said"),
    [
        ("process = _;", "processor", "(2, 2) inputs and outputs"),
        ("process = _ <: _, _;", "generator", "(2, 2) inputs and outputs"),
        ("process = _, _;", "nonsense", "declare group"),
        ("process = nonsense;", "processor", "FAUST refuses it"),
    ],
)
def test_what_the_engine_cannot_use_fails_the_build(build, body, group, said):
    code, text = build(body, group)
    assert code == 1
    assert said in text
