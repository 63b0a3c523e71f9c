"""docs/reliability.md names tests that exist."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "reliability.md").read_text(encoding="utf-8")
FAULTS = PAGE.split("\n## Without a server")[0]
ROWS = re.findall(r"^\| (?!fault ).*", FAULTS, re.MULTILINE)
ROOMS = (
    *("device", "desktop", "unit"),
    *("unit/hrtf", "unit/midi", "unit/osc", "unit/portal", "unit/terminal", "unit/tracking"),
)
NAMED = sorted(set(re.findall(r"`(test_\w+\.py)::(test_\w+)`", PAGE)))


def functions_of(file: str) -> set[str]:
    paths = [path for room in ROOMS if (path := ROOT / "tests" / room / file).is_file()]
    trees = [ast.parse(path.read_text(encoding="utf-8")) for path in paths]
    return {node.name for tree in trees for node in tree.body if isinstance(node, ast.FunctionDef)}


@pytest.mark.parametrize(("file", "name"), NAMED)
def test_each_test_that_is_named_is_there(file, name):
    assert name in functions_of(file)


def test_every_fault_has_a_test():
    assert len(ROWS) >= 69
    assert all(re.search(r"\| (`test_\w+\.py::test_\w+`(, )?)+ \|$", row) for row in ROWS)


def test_every_test_of_faults_is_named():
    for file in ("test_faults.py", "test_disks.py", "test_kills.py"):
        there = {name for name in functions_of(file) if name.startswith("test_")}
        assert there == {name for other, name in NAMED if other == file}


def test_the_programs_that_it_runs_are_there():
    programs = re.findall(r"`python ([\w/]+\.py)", PAGE)
    assert programs
    assert all((ROOT / program).is_file() for program in programs)
