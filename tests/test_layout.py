"""The promises of the folder layout."""

import ast
import re
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
ROOMS = ["native/python/entrain", "vdevice", "tray", "platform", "presets"]


@pytest.mark.parametrize("statement", ["import platform; platform.system()", "import numpy"])
def test_the_folder_platform_does_not_hide_pythons_own(statement):
    """With an __init__.py in it, most of Python would break when started in the root."""
    subprocess.run([sys.executable, "-c", statement], cwd=ROOT, check=True)
    assert not (ROOT / "platform" / "__init__.py").exists()


def test_no_module_of_platform_is_named_like_one_of_pythons():
    names = {path.stem for path in (ROOT / "platform").glob("*.py")}
    assert not names & sys.stdlib_module_names


def test_no_module_of_the_root_package_collides_with_a_room():
    names = {path.stem for path in (ROOT / "native/python/entrain").glob("*.py")}
    assert not names & {"vdevice", "tray", "platform", "presets"}


def test_tests_run_on_the_installed_wheel():
    import entrain

    assert Path(entrain.__file__).is_relative_to(sysconfig.get_path("purelib"))


def _imports(path: Path) -> set[str]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found.add(node.module or "")
    return found


@pytest.mark.parametrize(
    ("room", "forbidden"),
    [
        ("native/python/entrain", ("entrain.vdevice", "entrain.tray", "entrain.platform")),
        ("platform", ("entrain.vdevice", "entrain.tray", "entrain.engine", "entrain.backend")),
        ("vdevice", ("entrain.tray", "pulsectl")),
        ("tray", ("pulsectl", "entrain.backend")),
    ],
)
def test_a_room_does_not_know_what_it_should_not(room, forbidden):
    for path in (ROOT / room).rglob("*.py"):
        guilty = {name for name in _imports(path) if name.startswith(forbidden)}
        assert not guilty, f"{path} imports {guilty}"


def test_the_running_app_loads_no_heavy_module():
    """Measured: numpy alone is 12 MB."""
    code = """
import sys
import entrain.vdevice.app, entrain.tray.cli
heavy = {"numpy", "scipy", "soundfile", "rich", "sounddevice"} & set(sys.modules)
sys.exit(f"loaded: {heavy}" if heavy else 0)
"""
    subprocess.run([sys.executable, "-c", code], check=True)


def test_only_verify_needs_the_packages_that_it_brings():
    for room in ROOMS:
        for path in (ROOT / room).rglob("*.py"):
            needed = {name for name in _imports(path) if name.startswith(("scipy", "matplotlib"))}
            assert not needed or path.parent.name == "verify", f"{path} imports {needed}"


def test_no_callback_of_a_sound_system_lets_an_exception_out():
    """Its library is C: an exception on its way through would end the program."""
    harmless = ("io::guarded(", "lost(", "->reconcile()", "->state_changed()", "->start()")
    head = re.compile(r"\[\]\([^()]*void \*(?:self|data)[^()]*\)( noexcept)? \{")
    found = 0
    for path in sorted((ROOT / "native/src/io").glob("p*/*.cpp")):
        text = path.read_text(encoding="utf-8")
        for callback in head.finditer(text):
            found += 1
            body = text[callback.end() : text.index("}", callback.end())]
            line = f"{path.name}:{text.count(chr(10), 0, callback.start()) + 1}"
            assert callback[1], f"{line} is not noexcept"
            assert any(word in body for word in harmless), f"{line} is not guarded"
    assert found > 25


def test_audio_code_includes_nothing_that_waits():
    """The thread boundary is a folder: audio/ knows nothing of control/ and of locks."""
    for path in (ROOT / "native/src/audio").iterdir():
        text = path.read_text(encoding="utf-8")
        for forbidden in ("<mutex>", "<thread>", "<condition_variable>", '"control/', "<iostream>"):
            assert forbidden not in text, f"{path.name} includes {forbidden}"


def _declared(pattern: str) -> set[str]:
    """What this pattern finds in the sources of our blocks."""
    sources = (path.read_text(encoding="utf-8") for path in (ROOT / "faust").glob("*.dsp"))
    return {name for text in sources for name in re.findall(pattern, text)}


KINDS = _declared(r'(?m)^declare name +"(\w+)"')
SYMBOLS = _declared(r"\[symbol:(\w+)\]") - {"latency_frames"}  # which the engine asks blocks for
NAMESAKES = {
    ("vdevice/device.py", "pulse"): "a sound system",
    ("vdevice/doctor.py", "pulse"): "a sound system",
    ("vdevice/protocol/model.py", "bilateral"): "a category of protocols",
    ("vdevice/verify/analyse.py", "swell"): "what is found in a sound",
    ("vdevice/verify/analyse.py", "rate_hz"): "what is found in a sound",
}
"""Names of blocks and of their parameters that mean something else there."""


def test_no_module_of_vdevice_names_a_block():
    """Blocks describe themselves; only importers know which of them plays what a file says."""
    assert len(KINDS) > 10
    assert len(SYMBOLS) > 30
    known = re.compile(rf"({'|'.join(KINDS)})([:.=].*)?|{'|'.join(SYMBOLS)}", re.DOTALL)
    found = set()
    for path in (ROOT / "vdevice").rglob("*.py"):
        if "importers" in path.parts:
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Constant) and known.fullmatch(str(node.value)):
                found.add((str(path.relative_to(ROOT)), str(node.value)))
    assert found == set(NAMESAKES)


def test_no_native_source_names_a_block():
    """A block written by hand may stand in its row of the table and in its own source."""
    known = re.compile(rf'"({"|".join(KINDS | SYMBOLS)})"')
    sources = [path for path in (ROOT / "native/src").rglob("*") if path.suffix in (".cpp", ".h")]
    assert len(sources) > 50
    for path in sources:
        found = known.search(path.read_text(encoding="utf-8"))
        assert not found, f"{path.name} names {found[0]}"
