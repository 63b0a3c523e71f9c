"""Compile FAUST sources to C++ classes, JSON descriptions, a table of blocks and Python classes.

Usage: compile_faust.py [--plain] OUTPUT_FOLDER LIBRARY_FOLDER SOURCE.dsp|DESCRIPTION.json ...

A description belongs to a block that is written in C++: it gives a row of the table, a list of the
parameters for C++, and a Python class.

--plain: keep the C++ as FAUST writes it, for compilers without vector types.  Otherwise
rewrite_faust makes it faster if it supports the version of the FAUST compiler.  The samples are the
same.

The compiler is PyPI's ``cyfaust`` if it can be imported (the isolated build of the wheel has it),
else ``faust`` on PATH.  ``entrain.block`` defines what a block must be and may declare; an unfit
block fails the build.
"""

import importlib.util
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

from rewrite_faust import Unexpected, check_version, rewrite

# Import from this source tree, not from an installed Entrain.
sys.path.insert(0, str(Path(__file__).parents[1] / "python"))

from entrain.block import (
    AMOUNT,
    Block,
    UnfitBlock,
    block_from_description,
    block_from_faust,
    block_to_json,
    check_controllers,
    check_substitute,
    sliders,
)

# Double precision, since a single-precision phase drifts by millihertz.  The callback flushes
# denormals, so blocks need no code to do so.  Short delays are rings too (-mcd 0), since shifting
# costs more instructions.
FLAGS = ["-lang", "cpp", "-double", "-ftz", "0", "-mcd", "0", "-inpl", "-json"]

# Needed by rewrite_faust: puts code that depends only on parameters into a separate function.
REWRITABLE = ["-ec"]

# Definition of the processing of one ear, used instead of ``process`` (see rewrite_faust).
EACH_EAR = "each_ear"

# Variants of each class: for all processors, with fused multiply-adds, as written by FAUST (tests).
VARIANTS = ("", "_fma", "_plain")


def compile_block(
    source: Path, library: Path, output: Path, *more: str
) -> tuple[dict[str, object], str]:
    """Return FAUST's description of the block, and its C++ code."""
    name = source.stem
    arguments = [*FLAGS, "-cn", f"block_{name}", "-I", str(library), "-O", str(output)]
    arguments += [*more, "-o", f"{name}.hpp"]
    if importlib.util.find_spec("cyfaust"):
        from cyfaust import generate_auxfiles_from_file

        done = generate_auxfiles_from_file(str(source), *arguments)
    elif faust := shutil.which("faust"):
        done = subprocess.run([faust, *arguments, str(source)], check=False).returncode == 0
    else:
        raise UnfitBlock("no FAUST compiler: pip install cyfaust, or install faust")
    described = output / f"{source.name}.json"
    if not done or not described.exists():
        raise UnfitBlock(f"{source.name}: FAUST cannot compile it (see above)")
    code = (output / f"{name}.hpp").read_text(encoding="utf-8")
    return json.loads(described.read_text(encoding="utf-8")), code


def faster(
    source: Path, library: Path, output: Path, description: dict[str, object], code: str
) -> str:
    """Return faster C++ for `code`, or `code` if it cannot be made faster."""
    try:
        check_version(code)
        if not re.search(rf"^{EACH_EAR}\b", source.read_text(encoding="utf-8"), re.M):
            return rewrite(compile_block(source, library, output, *REWRITABLE)[1], lanes=False)
        ear, code_of_ear = compile_block(source, library, output, *REWRITABLE, "-pn", EACH_EAR)
        shape = ear["inputs"], ear["outputs"], sliders(ear["ui"])
        if shape != (1, 1, sliders(description["ui"])):
            raise UnfitBlock(
                f"{source.name}: {EACH_EAR} must have one input, one output and the same parameters"
                " as process"
            )
        return rewrite(code_of_ear, lanes=True)
    except Unexpected as error:
        print(f"compile_faust: {source.name} will be slower: {error}", file=sys.stderr)
        return code


def own_parameters(block: Block) -> str:
    """Return a C++ structure with the parameters of a block that is written in C++.

    Its function ``each`` calls a function with each parameter, in their order, and its properties.
    The last one says that the block itself hides jumps of the parameter.
    """
    own = [each for each in block.parameters.values() if each.symbol != AMOUNT.symbol]
    symbols = [each.symbol for each in own]
    name = f"{block.kind.capitalize()}Parameters"
    fields = [f"    float {each.symbol} = {float(each.initial)!r}F;" for each in own]
    compared = " &&\n               ".join(f"{each} == other.{each}" for each in symbols)
    calls = []
    for each in own:
        numbers = (each.initial, each.minimum, each.maximum, each.step)
        listed = ", ".join(f"{float(number)!r}F" for number in numbers)
        jumps = str(each.unit == "deg" or bool(each.choices)).lower()
        calls.append(
            f'        call(&{each.symbol}, "{each.symbol}", "{each.name}", {listed}, '
            f'"{each.period:.9g}", "{jumps}");'
        )
    return "\n".join(
        [
            f"struct {name} {{",
            *fields,
            f"    bool operator==(const {name} &other) const noexcept {{",
            f"        return {compared};",
            "    }",
            "    template <class Call> void each(Call call) {",
            *calls,
            "    }",
            "};",
            "",
        ]
    )


def python_class(block: Block) -> str:
    """Return the Python class of one block, with its parameters as attributes."""
    parameters = [each for each in block.parameters.values() if each.symbol != AMOUNT.symbol]
    lines = [
        "",
        "",
        f"class {block.kind.capitalize()}(Runner):",
        f'    """{block.description}.',
        "",
    ]
    lines += ["    Parameters", "    ----------", "    sample_rate_hz : int"]
    lines += ["        8000 .. 192000."]
    for each in parameters:
        unit = "" if each.unit == "1" else f" {each.unit}"
        lines += [f"    {each.symbol} : float"]
        lines += [f"        {each.name}, {each.minimum:.10g} .. {each.maximum:.10g}{unit}."]
    lines += ["", '    """', ""]
    lines += [f'    {each.symbol} = Value("{each.symbol}")' for each in parameters]
    lines += ["", "    def __init__(", "        self,", "        sample_rate_hz: int = 48_000,"]
    lines += ["        *,"] if parameters else []
    lines += [f"        {each.symbol}: float = {float(each.initial)!r}," for each in parameters]
    lines += ["    ) -> None:", "        super().__init__(", f'            "{block.kind}",']
    lines += ["            sample_rate_hz,"]
    lines += [f"            {each.symbol}={each.symbol}," for each in parameters]
    return "\n".join([*lines, "        )", ""])


def python_module(blocks: list[Block]) -> str:
    """Return the Python module with a class for each block."""
    names = sorted(["Runner", *(block.kind.capitalize() for block in blocks)])
    head = [
        '"""A class for each block; written by the build from the blocks themselves."""',
        "",
        "from entrain.runner import Runner, Value",
        "",
        f"__all__ = {names!r}",
        "",
    ]
    return "\n".join(head) + "".join(map(python_class, blocks))


def main(output: Path, library: Path, sources: list[Path], *, plain: bool = False) -> None:
    output.mkdir(parents=True, exist_ok=True)
    blocks, rows = {}, []
    own = {path.stem: path for path in sources if path.suffix == ".json"}
    for source in sorted(set(sources) - set(own.values()), key=lambda path: path.name):
        if source.stem in {*blocks, *own}:
            raise UnfitBlock(f"two blocks are named {source.stem}")
        description, code = compile_block(source, library, output)
        block = blocks[source.stem] = block_from_faust(source.stem, description)
        fast = code if plain else faster(source, library, output, description, code)
        for variant, written in zip(VARIANTS, (fast, fast, code), strict=True):
            name = f"block_{source.stem}"
            written = written.replace(name, name + variant)
            (output / f"{source.stem}{variant}.hpp").write_text(written, encoding="utf-8")
        told = block_to_json(block) | {"faust": description["version"]}
        text = json.dumps(told, separators=(",", ":"))
        rows.append(f'BLOCK({block.kind}, {block.group}, R"json({text})json")\n')
    compiled = list(blocks)
    for stem, path in sorted(own.items()):
        described = json.loads(path.read_text(encoding="utf-8"))
        block = blocks[stem] = block_from_description(stem, described)
        text = json.dumps(block_to_json(block), separators=(",", ":"))
        rows.append(f'OWN_BLOCK({block.kind}, {block.group}, R"json({text})json")\n')
        (output / f"block_{stem}_parameters.hpp").write_text(
            own_parameters(block), encoding="utf-8"
        )
    for block in blocks.values():
        check_substitute(block, blocks)
    check_controllers(blocks)
    (output / "faust.py").write_text(python_module(list(blocks.values())), encoding="utf-8")
    for variant in VARIANTS:
        lines = [f'#include "{name}{variant}.hpp"\n' for name in compiled]
        (output / f"block_classes{variant}.hpp").write_text("".join(lines), encoding="utf-8")
    (output / "block_table.hpp").write_text("".join(rows), encoding="utf-8")


if __name__ == "__main__":
    plain = "--plain" in sys.argv
    folders = [Path(name) for name in sys.argv[1:] if name != "--plain"]
    try:
        main(folders[0], folders[1], folders[2:], plain=plain)
    except UnfitBlock as error:
        sys.exit(f"compile_faust: {error}")
