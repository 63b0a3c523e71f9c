"""Turn FAUST sources into C++ classes, JSON descriptions, a table of all blocks, Python classes.

Usage: compile_faust.py [--plain] OUTPUT_FOLDER LIBRARY_FOLDER SOURCE.dsp ...

--plain: C++ as FAUST writes it, for compilers without vector types; otherwise made faster where
the FAUST compiler is the one that this is made for (see rewrite_faust).  The samples are the same.

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

from rewrite_faust import Unexpected, check_version, rewrite

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

# What rewrite_faust takes: what depends on parameters alone has a function of its own.
REWRITABLE = ["-ec"]

# The definition, instead of ``process``, that says what happens to one ear (see rewrite_faust).
EACH_EAR = "each_ear"

# Of each class: for all processors, for those with fused multiply-adds, as FAUST writes it (tests).
VARIANTS = ("", "_fma", "_plain")


class BuildError(Exception):
    """A block cannot be built; the text says which and why."""


def compile_block(
    source: Path, library: Path, output: Path, *more: str
) -> tuple[dict[str, object], str]:
    """Return what FAUST says of the block, and the C++ that it writes."""
    name = source.stem
    arguments = [*FLAGS, "-cn", f"block_{name}", "-I", str(library), "-O", str(output)]
    arguments += [*more, "-o", f"{name}.hpp"]
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
    code = (output / f"{name}.hpp").read_text(encoding="utf-8")
    return json.loads(described.read_text(encoding="utf-8")), code


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


def faster(
    source: Path, library: Path, output: Path, description: dict[str, object], code: str
) -> str:
    """Return C++ that is faster than `code`, or `code` where there is none."""
    try:
        check_version(code)
        if not re.search(rf"^{EACH_EAR}\b", source.read_text(encoding="utf-8"), re.M):
            return rewrite(compile_block(source, library, output, *REWRITABLE)[1], lanes=False)
        ear, code_of_ear = compile_block(source, library, output, *REWRITABLE, "-pn", EACH_EAR)
        shape = ear["inputs"], ear["outputs"], sliders(ear["ui"])
        if shape != (1, 1, sliders(description["ui"])):
            raise BuildError(f"{source.name}: {EACH_EAR} has one ear and the parameters of process")
        return rewrite(code_of_ear, lanes=True)
    except Unexpected as error:
        print(f"compile_faust: {source.name} will be slower: {error}", file=sys.stderr)
        return code


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


def main(output: Path, library: Path, sources: list[Path], *, plain: bool = False) -> None:
    output.mkdir(parents=True, exist_ok=True)
    table, descriptions = [], []
    for source in sorted(sources):
        description, code = compile_block(source, library, output)
        if guilty := gpl_functions(description):
            raise BuildError(f"{source.name} uses functions under the GPL: {', '.join(guilty)}")
        check_shape(source, description)
        fast = code if plain else faster(source, library, output, description, code)
        text = portable(description)
        (output / f"{source.stem}.json").write_text(text, encoding="utf-8")
        for variant, written in zip(VARIANTS, (fast, fast, code), strict=True):
            name = f"block_{source.stem}"
            written = written.replace(name, name + variant)
            (output / f"{source.stem}{variant}.hpp").write_text(written, encoding="utf-8")
        table.append((source.stem, text))
        descriptions.append(description)
    (output / "faust.py").write_text(python_module(descriptions), encoding="utf-8")
    for variant in VARIANTS:
        lines = [f'#include "{name}{variant}.hpp"\n' for name, _ in table]
        (output / f"block_classes{variant}.hpp").write_text("".join(lines), encoding="utf-8")
    lines = [f'BLOCK({name}, R"json({text})json")\n' for name, text in table]
    (output / "block_table.hpp").write_text("".join(lines), encoding="utf-8")


if __name__ == "__main__":
    plain = "--plain" in sys.argv
    folders = [Path(name) for name in sys.argv[1:] if name != "--plain"]
    try:
        main(folders[0], folders[1], folders[2:], plain=plain)
    except BuildError as error:
        sys.exit(f"compile_faust: {error}")
