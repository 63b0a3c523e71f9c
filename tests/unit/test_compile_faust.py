"""The build refuses blocks that must not be linked or that the engine could not use.

With an unknown compiler it leaves the code as it is.  tests/native/test_rewriting.cpp checks that
rewritten code makes the same samples.
"""

import re
import subprocess
import sys
from importlib import import_module
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
    """Compile one source; return the compiler's exit code and its messages."""

    def build(body: str, group: str = "processor", name: str = "trial") -> tuple[int, str]:
        source = tmp_path / f"{name}.dsp"
        source.write_text(body if "declare name" in body else HEAD.format(group=group) + body)
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
    assert "BLOCK(trial, processor, " in (tmp_path / "out/block_table.hpp").read_text()


def test_the_example_of_the_documentation_is_built_and_rewritten(build, tmp_path):
    page = (ROOT / "docs/architecture.md").read_text(encoding="utf-8")
    (source,) = re.findall(r"^```faust\n(.*?)^```$", page, re.DOTALL | re.MULTILINE)

    assert build(source, name="sway") == (0, "")
    row = (tmp_path / "out/block_table.hpp").read_text()
    assert '"strength":"depth","level":"depth","rate":"rate_hz"' in row
    assert "class Sway(Runner):" in (tmp_path / "out/faust.py").read_text()
    assert "faust_lanes" in (tmp_path / "out/sway.hpp").read_text()


def test_an_alternative_that_is_not_there_fails_the_build(build):
    head = HEAD.format(group="processor") + 'declare dichotic "true";'
    code, said = build(head + 'declare without_headphones "nonsense"; process = _, _;')
    assert code == 1
    assert "trial: no processor nonsense works without headphones" in said


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
        ("process = nonsense;", "processor", "FAUST cannot compile it"),
    ],
)
def test_what_the_engine_cannot_use_fails_the_build(build, body, group, said):
    code, text = build(body, group)
    assert code == 1
    assert said in text


@pytest.fixture
def script(monkeypatch):
    """Return the build's scripts, compile_faust and rewrite_faust, as modules to patch."""
    monkeypatch.syspath_prepend(ROOT / "native/cmake")
    for name in ("compile_faust", "rewrite_faust"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    return import_module("compile_faust"), import_module("rewrite_faust")


def is_rewritten(compile_faust, output: Path, *, plain: bool = False) -> bool:
    """Compile a block; tell whether it is rewritten for both ears.  If not, it must be plain."""
    compile_faust.main(output, ROOT / "faust/lib", [ROOT / "faust/am.dsp"], plain=plain)
    names = ("am", "am_fma", "am_plain")
    one, fma, as_written = ((output / f"{name}.hpp").read_text() for name in names)
    assert fma == one.replace("block_am", "block_am_fma")
    assert "faust_lanes" not in as_written
    assert "input1[" in as_written
    if as_written == one.replace("block_am", "block_am_plain"):
        return False
    assert "Lanes fRec0" in one
    assert "fSeen[" in one
    return True


def test_a_block_for_both_ears_is_rewritten(script, tmp_path, capsys):
    assert is_rewritten(script[0], tmp_path)
    assert capsys.readouterr().err == ""


def test_without_vector_types_code_stays_as_it_is(script, tmp_path):
    assert not is_rewritten(script[0], tmp_path, plain=True)


def test_another_faust_than_expected_gives_plain_code(script, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(script[1], "FAUST_VERSION", "2.99")
    assert not is_rewritten(script[0], tmp_path)
    assert "am.dsp will be slower: FAUST is 2.88, not 2.99" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("written", "instead"),
    [
        ("for (int i0 = 0", "for (int i1 = 0"),
        ("\tvoid control() {", "\tvoid controls() {"),
        ("static_cast<double>(input0[i0])", "double(input0[i0])"),
        ("output0[i0] = static_cast<FAUSTFLOAT>", "output0[i0] = FAUSTFLOAT"),
        ("std::max<double>(std::min<double>(", "std::cos(std::min<double>("),
        ("return 1;", "return one;"),
        (" ? ", ") ? "),
    ],
)
def test_code_that_looks_otherwise_stays_as_it_is(
    script, tmp_path, monkeypatch, capsys, written, instead
):
    compile_block = script[0].compile_block

    def changed(*arguments):
        description, code = compile_block(*arguments)
        if "-ec" in arguments:
            assert written in code
            code = code.replace(written, instead)
        return description, code

    monkeypatch.setattr(script[0], "compile_block", changed)
    assert not is_rewritten(script[0], tmp_path)
    assert "am.dsp will be slower" in capsys.readouterr().err
