"""Turn FAUST sources into C++ classes, JSON descriptions, a table of all blocks, Python classes.

Usage: compile_faust.py [--plain] OUTPUT_FOLDER LIBRARY_FOLDER SOURCE.dsp ...

--plain: C++ as FAUST writes it, for compilers without vector types; otherwise made faster where
the FAUST compiler is the one that this is made for (see rewrite_faust).  The samples are the same.

The compiler is PyPI's ``cyfaust`` if it can be imported (the isolated build of the wheel has
it), else ``faust`` on PATH.  What a block must be and may declare is in ``entrain.block``; a block
that is not so fails the build.
"""

import importlib.util
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

from rewrite_faust import Unexpected, check_version, rewrite

# These sources, not an Entrain that may be installed.
sys.path.insert(0, str(Path(__file__).parents[1] / "python"))

from entrain.block import (
    AMOUNT,
    Block,
    UnfitBlock,
    block_from_faust,
    block_to_json,
    check_substitute,
    sliders,
)

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
        raise UnfitBlock("no FAUST compiler: pip install cyfaust, or install faust")
    described = output / f"{source.name}.json"
    if not done or not described.exists():
        raise UnfitBlock(f"{source.name}: FAUST refuses it (see above)")
    code = (output / f"{name}.hpp").read_text(encoding="utf-8")
    return json.loads(described.read_text(encoding="utf-8")), code


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
            raise UnfitBlock(f"{source.name}: {EACH_EAR} has one ear and the parameters of process")
        return rewrite(code_of_ear, lanes=True)
    except Unexpected as error:
        print(f"compile_faust: {source.name} will be slower: {error}", file=sys.stderr)
        return code


def python_class(block: Block) -> str:
    """Write the Python class of one block; values that it has are plain numbers."""
    parameters = [each for each in block.parameters.values() if each is not AMOUNT]
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
    """Write a class for each block."""
    names = sorted(["Runner", *(block.kind.capitalize() for block in blocks)])
    head = [
        '"""A class for each FAUST block; written by the build from the blocks themselves."""',
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
    for source in sorted(sources, key=lambda path: path.name):
        if source.stem in blocks:
            raise UnfitBlock(f"two blocks are called {source.stem}")
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
    for block in blocks.values():
        check_substitute(block, blocks)
    (output / "faust.py").write_text(python_module(list(blocks.values())), encoding="utf-8")
    for variant in VARIANTS:
        lines = [f'#include "{name}{variant}.hpp"\n' for name in blocks]
        (output / f"block_classes{variant}.hpp").write_text("".join(lines), encoding="utf-8")
    (output / "block_table.hpp").write_text("".join(rows), encoding="utf-8")


if __name__ == "__main__":
    plain = "--plain" in sys.argv
    folders = [Path(name) for name in sys.argv[1:] if name != "--plain"]
    try:
        main(folders[0], folders[1], folders[2:], plain=plain)
    except UnfitBlock as error:
        sys.exit(f"compile_faust: {error}")
