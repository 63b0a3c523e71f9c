"""The rules of the folder layout."""

import ast
import re
import subprocess
import sys
import sysconfig
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
ROOMS = ["native/python/entrain", "vdevice", "tray", "platform", "presets"]


@pytest.mark.parametrize("statement", ["import platform; platform.system()", "import numpy"])
def test_the_folder_platform_does_not_hide_pythons_own(statement):
    """With an __init__.py in platform/, most of Python would break when started in the root."""
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


@pytest.mark.parametrize("room", ROOMS)
def test_our_own_processes_do_not_import_from_the_current_folder(room):
    """Without ``-P``, ``python -m`` runs a numpy.py in the folder in which a command is typed."""
    for path in (ROOT / room).rglob("*.py"):
        assert 'sys.executable, "-m"' not in path.read_text(encoding="utf-8"), path


PACKAGES = {
    "entrain": "native/python/entrain",
    "entrain.platform": "platform",
    "entrain.vdevice": "vdevice",
    "entrain.tray": "tray",
}


def _import_graph() -> dict[str, set[str]]:
    """Return the modules of Entrain that each module imports, also inside functions."""
    modules = {}
    for package, folder in PACKAGES.items():
        for path in (ROOT / folder).rglob("*.py"):
            parts = path.relative_to(ROOT / folder).with_suffix("").parts
            modules[".".join([package, *(part for part in parts if part != "__init__")])] = path
    graph: dict[str, set[str]] = {}
    for name, path in modules.items():
        found = set()
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                found |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module:
                inner = {f"{node.module}.{alias.name}" for alias in node.names}
                found |= inner & modules.keys() or {node.module}
        graph[name] = found & modules.keys() - {name}
    return graph


def _room(module: str) -> str:
    """Name the room of a module: its top folder, or the module itself outside of folders."""
    parts = module.split(".")
    return "entrain.platform" if parts[1:2] == ["platform"] else ".".join(parts[:3])


@pytest.mark.parametrize("of", ["modules", "rooms"])
def test_imports_go_in_one_direction(of):
    """The imports between modules contain no circle; the imports between folders neither."""
    graph = _import_graph()
    if of == "rooms":
        rooms: dict[str, set[str]] = {}
        for module, imported in graph.items():
            rooms.setdefault(_room(module), set()).update(map(_room, imported))
        graph = {room: known - {room} for room, known in rooms.items()}
    assert len(graph) > {"modules": 120, "rooms": 20}[of]
    TopologicalSorter(graph).prepare()  # CycleError names the circle


def test_a_folder_says_what_lives_in_it():
    folders = {path.parent for room in ("vdevice", "tray") for path in (ROOT / room).rglob("*.py")}
    for folder in folders:
        assert len(list(folder.glob("*.py"))) <= 20, f"{folder} is crowded"
        text = ast.get_docstring(ast.parse((folder / "__init__.py").read_text(encoding="utf-8")))
        assert text, f"{folder} does not say what lives in it"


def test_the_running_app_loads_no_heavy_module():
    """As measured, numpy takes 12 MB; cffi and its parser take 6 MB and a tenth of the start."""
    code = """
import sys
import entrain.vdevice.app, entrain.tray.commands.cli
heavy = {
    "numpy", "scipy", "soundfile", "rich", "sounddevice", "cffi", "pycparser", "netCDF4",
    "pysofaconventions", "cftime"
} & set(sys.modules)
sys.exit(f"loaded: {heavy}" if heavy else 0)
"""
    subprocess.run([sys.executable, "-c", code], check=True)


def test_to_be_loaded_the_app_starts_no_program():
    """When pulsectl searches for libpulse, it runs a compiler: 15 ms of each start."""
    code = """
import sys
sys.addaudithook(lambda event, _: sys.exit(event) if event == "subprocess.Popen" else None)
import entrain.platform.linux, entrain.vdevice.app, entrain.tray.icon.tray_icon
"""
    subprocess.run([sys.executable, "-c", code], check=True)


def test_only_verify_needs_the_packages_that_it_brings():
    for room in ROOMS:
        for path in (ROOT / room).rglob("*.py"):
            needed = {name for name in _imports(path) if name.startswith(("scipy", "matplotlib"))}
            draws = path.parent.name == "verify" or path.match("hrtf/preparation/plot.py")
            assert not needed or draws, f"{path} imports {needed}"


def test_only_the_process_that_prepares_heads_reads_sofa_files():
    for path in (ROOT / "vdevice/hrtf").glob("*.py"):
        heavy = {name for name in _imports(path) if name.startswith(("numpy", "netCDF4", "pysofa"))}
        assert not heavy, f"{path} imports {heavy}"
    for room in ROOMS:
        for path in (ROOT / room).rglob("*.py"):
            if path.parent.name != "preparation":
                inner = "entrain.vdevice.hrtf.preparation"
                needed = {name for name in _imports(path) if name.startswith((inner, "pysofa"))}
                assert not needed, f"{path} imports {needed}"


def test_no_callback_of_a_sound_system_lets_an_exception_out():
    """The sound system's library is C: an exception that reached it would end the program."""
    harmless = ("io::guarded(", "lost(", "->reconcile()", "->state_changed()", "->start()")
    head = re.compile(
        r"(?:\[\]|^void [\w:]+)\([^()]*void \*(?:self|data)[^()]*\)( noexcept)?( \w+)? \{", re.M
    )
    found = 0
    for path in sorted((ROOT / "native/src/io").glob("p*/**/*.cpp")):
        text = path.read_text(encoding="utf-8")
        for callback in head.finditer(text):
            found += 1
            body = text[callback.end() : text.index("}", callback.end())]
            line = f"{path.name}:{text.count(chr(10), 0, callback.start()) + 1}"
            assert callback[1], f"{line} is not noexcept"
            if callback[2] == " ENTRAIN_NONBLOCKING":  # it neither allocates nor throws
                continue
            assert any(word in body for word in harmless), f"{line} is not guarded"
    assert found > 25


NATIVE_ROOMS: dict[str, tuple[str, ...]] = {
    "audio": (),
    "audio/space": ("audio",),
    "control": ("audio", "audio/space"),
    "io": (),
    "io/pipewire/client": ("io",),
    "io/pipewire/audio": ("audio", "io/pipewire/client"),
    "io/pipewire": ("io", "io/pipewire/client", "io/pipewire/audio"),
    "io/pulse/client": ("io",),
    "io/pulse/audio": ("audio", "io", "io/pulse/client"),
    "io/pulse": ("io", "io/pulse/client", "io/pulse/audio"),
    "guardian": (),
}
"""The folders of native/src, each with the other folders that it may include."""


def native_sources() -> list[Path]:
    return [each for each in sorted((ROOT / "native/src").rglob("*.*")) if each.is_file()]


def native_room(path: Path) -> str:
    return path.parent.relative_to(ROOT / "native/src").as_posix()


def included(path: Path) -> list[str]:
    """Return the files of this repository that a C++ file includes."""
    text = path.read_text(encoding="utf-8")
    return re.findall(r'^\s*#include "([^"]+)"', text, re.M)


def test_native_rooms_form_a_graph_without_a_circle_or_an_arrow_upwards():
    """A folder may include only folders above it in the table, so a circle is impossible."""
    rooms = list(NATIVE_ROOMS)
    for place, (room, below) in enumerate(NATIVE_ROOMS.items()):
        assert set(below) <= set(rooms[:place]), f"{room} includes a folder below it in the table"
    assert {native_room(each) for each in native_sources()} == set(rooms)


@pytest.mark.parametrize("room", NATIVE_ROOMS)
def test_a_native_room_includes_only_what_it_may(room):
    allowed = {room, *NATIVE_ROOMS[room]}
    seen = 0
    for path in native_sources():
        if native_room(path) != room:
            continue
        seen += 1
        for name in included(path):
            # The public interface, and the files that the build generates from faust/.
            if name.startswith(("entrain/", "block_")):
                continue
            assert (ROOT / "native/src" / name).is_file(), f"{path} includes {name}: no such file"
            assert Path(name).parent.as_posix() in allowed, f"{path} includes {name}"
    assert seen


def test_audio_code_includes_nothing_that_waits():
    """The thread boundary is a folder: code in a folder named audio may run in the callback."""
    found = [path for path in native_sources() if "audio" in path.parts]
    assert len(found) > 20
    for path in found:
        text = path.read_text(encoding="utf-8")
        for forbidden in ("<mutex>", "<thread>", "<condition_variable>", "<iostream>"):
            assert forbidden not in text, f"{path.name} includes {forbidden}"


def test_what_may_run_in_the_callback_is_defined_in_a_folder_named_audio():
    """The header and the folder agree on the thread on which a function may run."""
    declarations = "".join(
        path.read_text(encoding="utf-8")
        for path in sorted((ROOT / "native/include/entrain/decls").glob("*.h"))
    )
    threads: dict[str, str] = {}
    for thread, text in re.findall(r"thread: +\[(\w+)\][^/]*\*/\n((?:.+\n)+)", declarations):
        for name in re.findall(r"\b(entrain_\w+)\(", text):
            threads[name] = thread
    assert len(threads) > 45
    rooms: dict[str, set[str]] = {}
    for path in native_sources():
        text = path.read_text(encoding="utf-8")
        for name in re.findall(r"^(?:\w+ )+\*?(entrain_\w+)\([^;]*?\) \{", text, re.M):
            rooms.setdefault(name, set()).add(path.parent.name)
    for name, thread in threads.items():
        assert rooms[name] == {"audio"} or thread == "control", f"{name} is of [{thread}]"
        assert "audio" not in rooms[name] or thread != "control", f"{name} is of [{thread}]"


def test_no_file_is_longer_than_five_hundred_lines():
    """A longer file has two subjects.  Data files do not count."""
    folders = [".ci", "bench", "docs", "faust", "native", "packages", "presets", "tests", *ROOMS]
    kinds = {".c", ".cpp", ".css", ".dsp", ".h", ".js", ".lib", ".md", ".py", ".txt", ""}
    files = {path for folder in folders for path in (ROOT / folder).rglob("*")}
    files |= set(ROOT.glob("*"))
    texts = [path for path in files if path.is_file() and path.suffix in kinds]
    assert len(texts) > 450
    long = [path for path in texts if len(path.read_bytes().splitlines()) > 500]
    assert {path.relative_to(ROOT).as_posix() for path in long} == set()


def _declared(pattern: str) -> set[str]:
    """Return all matches of a pattern in the sources of the blocks."""
    sources = (path.read_text(encoding="utf-8") for path in (ROOT / "faust").glob("*.dsp"))
    return {name for text in sources for name in re.findall(pattern, text)}


KINDS = _declared(r'(?m)^declare name +"(\w+)"')
SYMBOLS = _declared(r"\[symbol:(\w+)\]") - {"latency_frames"}  # the engine asks blocks for it
NAMESAKES = {
    ("vdevice/device/virtual_device.py", "pulse"): "a sound system",
    ("vdevice/offline/doctor.py", "pulse"): "a sound system",
    ("vdevice/limits.py", "bilateral"): "a category of protocols",
    ("vdevice/hrtf/head_file.py", "gain_db"): "an array in a file",
    ("vdevice/bridge/osc/words.py", "rate_hz"): "a field of the status",
    ("vdevice/verify/analyse.py", "swell"): "what is found in a sound",
    ("vdevice/verify/analyse.py", "rate_hz"): "what is found in a sound",
}
"""Names of blocks and parameters that mean something else in these modules."""


def test_no_module_of_vdevice_names_a_block():
    """Blocks describe themselves; only importers know which block plays a file's setting."""
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
    """No C++ source depends on a particular block or on one of its parameters."""
    known = re.compile(rf'"({"|".join(KINDS | SYMBOLS)})"')
    sources = [path for path in (ROOT / "native/src").rglob("*") if path.suffix in (".cpp", ".h")]
    assert len(sources) > 50
    for path in sources:
        found = known.search(path.read_text(encoding="utf-8"))
        assert not found, f"{path.name} names {found[0]}"
