"""The links on the pages and the files that the pages name exist.  Needs no network."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")])
FOLDERS = ["bench", "docs", "faust", "native", "platform", "presets", "tests", "tray", "vdevice"]
MADE_UP = {"faust/sway.dsp", "tests/dsp/test_sway.py"}
"""Files of an example, which test_examples.py runs."""


def without_code(text: str) -> str:
    """Remove fenced blocks."""
    return re.sub(r"^```.*?^```$", "", text, flags=re.DOTALL | re.MULTILINE)


def anchors(page: Path) -> set[str]:
    """Return the anchors that GitHub gives to the headings of a page."""
    text = without_code(page.read_text(encoding="utf-8"))
    found: set[str] = set()
    for heading in re.findall(r"^#+ (.+)$", text, re.MULTILINE):
        plain = re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", heading).replace("`", "")
        anchor = re.sub(r"[^\w\- ]", "", plain).strip().lower().replace(" ", "-")
        number = 0
        while (name := f"{anchor}-{number}" if number else anchor) in found:
            number += 1
        found.add(name)
    return found


def broken_links(page: Path) -> list[str]:
    text = without_code(page.read_text(encoding="utf-8"))
    broken = []
    for target in re.findall(r"\]\(\s*<?([^)>\s]+)", text):
        if re.match(r"[a-z][a-z0-9+.-]*:", target):
            continue
        name, _, anchor = target.partition("#")
        file = (page.parent / name).resolve() if name else page
        if not file.exists() or (anchor and file.suffix == ".md" and anchor not in anchors(file)):
            broken.append(target)
    return broken


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_and_anchors_lead_somewhere(page):
    assert broken_links(page) == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_files_that_a_page_names_exist(page):
    text = page.read_text(encoding="utf-8")
    names = re.findall(rf"(?<![\w/.])((?:{'|'.join(FOLDERS)})/[\w./*-]*[\w*])", text)
    names = {name for name in names if not re.search(r"\b(NAME|ID|FOLDER)\b", name)} - MADE_UP
    assert [name for name in sorted(names) if not [*ROOT.glob(name)]] == []


@pytest.mark.parametrize(
    ("text", "broken"),
    [
        ("[a](b.md) [c](#some-words-2) [d](https://e.f/g)", ["b.md"]),
        ("# Some words\n## `Some` words!\n[a](#some-words-1) [b](#other)", ["#other"]),
        ("```\n[a](b.md)\n# No heading\n```\n[c](#no-heading)", ["#no-heading"]),
    ],
)
def test_a_broken_link_is_found(tmp_path, text, broken):
    page = tmp_path / "page.md"
    page.write_text(text.replace("#some-words-2", "page.md#"), encoding="utf-8")

    assert broken_links(page) == broken
