"""Turn FAUST sources into C++ classes, JSON descriptions, a table of all blocks, Python classes.

Usage: compile_faust.py OUTPUT_FOLDER LIBRARY_FOLDER SOURCE.dsp ...

The compiler is PyPI's ``cyfaust`` if it can be imported (the isolated build of the wheel has
it), else ``faust`` on PATH.  A function under the GPL among those used fails the build.
"""

import importlib.util
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

# Inputs and outputs of the groups that a block can belong to.
CHANNELS = {"generator": (2, 2), "processor": (2, 2), "input": (2, 2), "output": (2, 2)}

# What only describes the machine that built it.
MACHINE = ("library_list", "include_pathnames")

# The engine gives it to every layer of a protocol; 0 is a bit-exact nothing.
AMOUNT = {
    "type": "hslider",
    "label": "Amount",
    "address": "/amount",
    "meta": [{"symbol": "amount"}, {"unit": "1"}],
    "init": 1,
    "min": 0,
    "max": 1,
    "step": 0.001,
}

# Double precision: a single-precision phase drifts by millihertz.  Denormals are flushed by the
# callback, not by extra code in every block.  Short delays are rings too (-mcd 0): shifting them
# costs more instructions.
FLAGS = ["-lang", "cpp", "-double", "-ftz", "0", "-mcd", "0", "-inpl", "-json"]


class BuildError(Exception):
    """A block cannot be built; the text says which and why."""


def compile_block(source: Path, library: Path, output: Path) -> dict[str, object]:
    """Write ``<name>.hpp`` and return what FAUST says of the block."""
    name = source.stem
    arguments = [*FLAGS, "-cn", f"block_{name}", "-I", str(library), "-O", str(output)]
    arguments += ["-o", f"{name}.hpp"]
    if importlib.util.find_spec("cyfaust"):
        from cyfaust import generate_auxfiles_from_file

        done = generate_auxfiles_from_file(str(source), *arguments)
    elif faust := shutil.which("faust"):
        done = subprocess.run([faust, *arguments, str(source)], check=False).returncode == 0
    else:
        raise BuildError("no FAUST compiler: pip install cyfaust, or install faust")
    described = output / f"{source.name}.json"
    if not done or not described.exists():
        raise BuildError(f"{source.name}: FAUST refuses it (see above)")
    return json.loads(described.read_text(encoding="utf-8"))


def gpl_functions(description: dict[str, object]) -> list[str]:
    """Name the used functions that are under the GPL; the LGPL is another licence.

    Licences differ from function to function, and their authors spell the key in two ways.
    """
    return [
        f"{key.rsplit('/', 1)[0]} ({value})"
        for entry in description["meta"]
        for key, value in entry.items()
        if re.search(r"licen[cs]e$", key)
        and re.search(r"(?<!L)GPL|General Public", value)
        and "Lesser" not in value
    ]


def check_shape(source: Path, description: dict[str, object]) -> None:
    """Refuse a block that the engine could not use."""
    declared = {key: value for entry in description["meta"] for key, value in entry.items()}
    group = declared.get("group")
    if group not in CHANNELS:
        raise BuildError(f"{source.name}: declare group as one of {', '.join(CHANNELS)}")
    if (description["inputs"], description["outputs"]) != CHANNELS[group]:
        raise BuildError(f"{source.name}: a {group} has {CHANNELS[group]} inputs and outputs")
    if description["name"] != source.stem:
        raise BuildError(f"{source.name}: declare its name as {source.stem}")


def portable(description: dict[str, object]) -> str:
    """Describe the block as a layer: with the engine's own parameter, without this machine."""
    layer = {k: v for k, v in description.items() if k not in MACHINE}
    if {"group": "generator"} in layer["meta"] or {"group": "processor"} in layer["meta"]:
        layer["ui"] = [*layer["ui"], AMOUNT]
    return json.dumps(layer, sort_keys=True, separators=(",", ":"))


def sliders(widgets: list[dict]) -> list[dict]:
    """Find what can be set, in the order of the source."""
    found = []
    for widget in widgets:
        if "items" in widget:
            found += sliders(widget["items"])
        elif "init" in widget:
            found.append({**widget, **{k: v for entry in widget["meta"] for k, v in entry.items()}})
    return found


def python_class(description: dict[str, object]) -> str:
    """Write the Python class of one block; values that it has are plain numbers."""
    declared = {key: value for entry in description["meta"] for key, value in entry.items()}
    name, parameters = description["name"], sliders(description["ui"])
    lines = [
        "",
        "",
        f"class {name.capitalize()}(Runner):",
        f'    """{declared["description"]}.',
        "",
    ]
    lines += ["    Parameters", "    ----------", "    sample_rate_hz : int"]
    lines += ["        8000 .. 192000."]
    for each in parameters:
        unit = "" if each["unit"] == "1" else f" {each['unit']}"
        lines += [f"    {each['symbol']} : float"]
        lines += [f"        {each['label']}, {each['min']:.10g} .. {each['max']:.10g}{unit}."]
    lines += ["", '    """', ""]
    lines += [f'    {each["symbol"]} = Value("{each["symbol"]}")' for each in parameters]
    lines += ["", "    def __init__(", "        self,", "        sample_rate_hz: int = 48_000,"]
    lines += ["        *,"] if parameters else []
    lines += [f"        {each['symbol']}: float = {float(each['init'])!r}," for each in parameters]
    lines += ["    ) -> None:", "        super().__init__(", f'            "{name}",']
    lines += ["            sample_rate_hz,"]
    lines += [f"            {each['symbol']}={each['symbol']}," for each in parameters]
    return "\n".join([*lines, "        )", ""])


def python_module(descriptions: list[dict[str, object]]) -> str:
    """Write a class for each block."""
    names = sorted(["Runner", *(str(each["name"]).capitalize() for each in descriptions)])
    head = [
        '"""A class for each FAUST block; written by the build from the blocks themselves."""',
        "",
        "from entrain.runner import Runner, Value",
        "",
        f"__all__ = {names!r}",
        "",
    ]
    return "\n".join(head) + "".join(map(python_class, descriptions))


def main(output: Path, library: Path, sources: list[Path]) -> None:
    output.mkdir(parents=True, exist_ok=True)
    table, descriptions = [], []
    for source in sorted(sources):
        description = compile_block(source, library, output)
        if guilty := gpl_functions(description):
            raise BuildError(f"{source.name} uses functions under the GPL: {', '.join(guilty)}")
        check_shape(source, description)
        text = portable(description)
        (output / f"{source.stem}.json").write_text(text, encoding="utf-8")
        again = f"block_{source.stem}_fma"  # the same class, to be compiled for other processors
        code = (output / f"{source.stem}.hpp").read_text(encoding="utf-8")
        code = code.replace(f"block_{source.stem}", again)
        (output / f"{source.stem}_fma.hpp").write_text(code, encoding="utf-8")
        table.append((source.stem, text))
        descriptions.append(description)
    (output / "faust.py").write_text(python_module(descriptions), encoding="utf-8")
    for variant in ("", "_fma"):
        lines = [f'#include "{name}{variant}.hpp"\n' for name, _ in table]
        (output / f"block_classes{variant}.hpp").write_text("".join(lines), encoding="utf-8")
    lines = [f'BLOCK({name}, R"json({text})json")\n' for name, text in table]
    (output / "block_table.hpp").write_text("".join(lines), encoding="utf-8")


if __name__ == "__main__":
    try:
        main(Path(sys.argv[1]), Path(sys.argv[2]), [Path(name) for name in sys.argv[3:]])
    except BuildError as error:
        sys.exit(f"compile_faust: {error}")
