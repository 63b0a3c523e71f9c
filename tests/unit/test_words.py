"""Plain words: patterns that make sentences hard to read are kept out of docs and sources.

Each pattern has a reason.  Code, paths and names are not checked, only sentences: Markdown without
its code, docstrings, strings and comments of Python, comments of C++, FAUST and shell, and the
texts of protocols and of the help page.
"""

import ast
import io
import json
import re
import tokenize
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).parents[2]

FOLDERS = (
    *(
        ".ci",
        "bench",
        "docs",
        "faust",
        "native",
        "packages",
        "platform",
        "presets",
        "tests",
        "tray",
        "vdevice",
        "vendor",
    ),
)
FILES = ("Makefile",)

NOT_SENTENCES = {"__pycache__", "fixtures", "fuzz_corpus"}
"""Folders whose files hold no sentences."""
QUOTES_THE_PATTERNS = "tests/unit/test_words.py"

BANNED = {
    r"\bprogrammes?\b(?!-beat)": (
        "the input in code, your music to users; apps or players for programs"
    ),
    r"(?<!there )\b(is|are|was|were|be) (no|none)\b(?! (longer|more|less|earlier|later|other)\b)": (
        "say what it is, or use a verb with not: 'is not a number'"
    ),
    r"\b(that|those) of\b": "repeat the noun",
    r"\b(one|ones|those|that) (that|which|who|whose)\b": "name the thing, or the person",
    r"\b(all|everything|anything|something|nothing) that (is|are|was|were|has|had)\b": (
        "name the things"
    ),
    r"\b(of|with|from|than|by|as) what\b(?! to\b)": "name the thing",
    r"(?:^|(?<=[.:;] ))What (?!to\b)[^.?:]*\.": "a sentence needs a noun as its subject",
    r"\b(nobody|somebody|anybody|everybody|whoever)\b": "name the person or the app",
    r"\bnothing (but|of|else|is|are|was|stays|remains|here|in)\b": "use only, or name the thing",
    r"\b(can|could|to) be had\b": "use a verb: 'can be read', 'is supported'",
    r"\bmust (not )?be (told|said)\b|\b(is|are|was) said\b": "say who reports it, and where",
    r"\b(than|of|by|for|with|from) that(?=[.,;:)]|$)": "repeat the noun",
    r"\bas (it|they) (is|are) (at|in|on) first\b": "use initial",
    r"\b(nor|neither) (need|does|do|is|are) (it|they|any)\b": "write a sentence of its own",
}
BANNED_AT_A_DOCSTRINGS_START = {
    r"(Of|Before|Between|After|Else|Where|Whose|Who|What|Which)\b": (
        "a docstring stands on its own: begin with a noun or a verb"
    ),
    r"(In|By|At|On|With|To|From|For) which\b": "begin with a noun or a verb",
}


class Sentence(NamedTuple):
    """A text in a file.  It may have several lines."""

    line: int
    text: str
    is_docstring: bool = False


# ---- the sentences of a file -------------------------------------------------------------------


def blanked(text: str, *patterns: str) -> str:
    """Replace matches by one letter, but keep their line breaks."""
    for pattern in patterns:
        text = re.sub(pattern, lambda match: "X" + "\n" * match[0].count("\n"), text, flags=re.S)
    return text


def of_markdown(text: str) -> Iterator[Sentence]:
    text = blanked(text, r"(?m:^```).*?(?m:^```$)", r"`[^`]+`", r"(?<=\])\([^)]*\)")
    line = 1
    for paragraph in re.split(r"(\n\n|\n(?=[|#-]))", text):
        if paragraph.strip():
            yield Sentence(line, paragraph)
        line += paragraph.count("\n")


def of_python(text: str) -> Iterator[Sentence]:
    yield from of_comments(
        (token.start[0], token.string.lstrip("# "))
        for token in tokenize.generate_tokens(io.StringIO(text).readline)
        if token.type == tokenize.COMMENT
    )
    tree = ast.parse(text)
    docstrings = {
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    }
    pieces = {
        piece for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for piece in node.values
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            parts = (part.value if isinstance(part, ast.Constant) else "X" for part in node.values)
            yield Sentence(node.lineno, "".join(map(str, parts)))
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and node not in pieces:
            yield Sentence(node.lineno, blanked(node.value, "`[^`]+`"), node in docstrings)


def of_c_like(text: str) -> Iterator[Sentence]:
    lines = enumerate(text.splitlines(), start=1)
    yield from of_comments(
        (line, match[1]) for line, code in lines if (match := re.search(r"(?<!:)//+ ?(.*)", code))
    )
    for match in re.finditer(r"/\*(.*?)\*/", text, re.S):
        yield Sentence(text[: match.start()].count("\n") + 1, match[1].replace("\n *", "\n"))


def of_shell(text: str) -> Iterator[Sentence]:
    lines = enumerate(text.splitlines(), start=1)
    yield from of_comments(
        (line, match[1]) for line, code in lines if (match := re.search(r"(?:^|\s)#+ (.*)", code))
    )
    for match in re.finditer(r"""(?<=\s)(?:"([^"]+)"|'([^']+)')""", text):
        yield Sentence(text[: match.start()].count("\n") + 1, match[1] or match[2])


def of_comments(comments: Iterator[tuple[int, str]]) -> Iterator[Sentence]:
    """Join the comments of neighbouring lines."""
    first, last, joined = 0, -1, ""
    for line, comment in comments:
        if line == last + 1:
            joined += "\n" + comment
        else:
            if joined:
                yield Sentence(first, blanked(joined, "`[^`]+`"))
            first, joined = line, comment
        last = line
    if joined:
        yield Sentence(first, blanked(joined, "`[^`]+`"))


def of_json(text: str) -> Iterator[Sentence]:
    values = [json.loads(text)]
    while values:
        match values.pop():
            case str(value) if " " in value:
                place = text.find(json.dumps(value, ensure_ascii=False))
                yield Sentence(text[: max(place, 0)].count("\n") + 1, value)
            case list(items):
                values += items
            case dict(fields):
                values += fields.values()


def of_html(text: str) -> Iterator[Sentence]:
    yield Sentence(1, blanked(text, r"<style>.*?</style>", r"<code>.*?</code>", r"<[^>]+>"))


READERS = {
    **dict.fromkeys((".cpp", ".h", ".dsp", ".lib", ".c"), of_c_like),
    **dict.fromkeys(("", ".sh"), of_shell),
    ".html": of_html,
    ".js": of_c_like,
    ".json": of_json,
    ".md": of_markdown,
    ".py": of_python,
}


# ---- the tests ---------------------------------------------------------------------------------


def files() -> list[str]:
    found = {path for folder in FOLDERS for path in (ROOT / folder).rglob("*") if path.is_file()}
    found |= {*ROOT.glob("*.md")} | {ROOT / name for name in FILES}
    found -= {ROOT / QUOTES_THE_PATTERNS}
    return sorted(
        str(path.relative_to(ROOT))
        for path in found
        if path.suffix in READERS and not NOT_SENTENCES & {*path.relative_to(ROOT).parts}
    )


def complaints(source: str, suffix: str) -> Iterator[str]:
    """Yield line, words and reason for each banned pattern."""
    for sentence in READERS[suffix](source):
        patterns = dict(BANNED)
        if sentence.is_docstring:
            patterns |= {rf"\A{key}": value for key, value in BANNED_AT_A_DOCSTRINGS_START.items()}
        text = re.sub(r"[^\S\n]*\n\s*", "\n", sentence.text)
        text = re.sub(r" +", " ", text)
        for pattern, reason in patterns.items():
            for match in re.finditer(pattern, text.replace("\n", " "), re.I):
                line = sentence.line + text[: match.start()].count("\n")
                yield f"line {line}: {match[0][:60]!r}: {reason}"


@pytest.mark.parametrize("file", files())
def test_sentences_are_in_plain_words(file):
    path = ROOT / file
    assert not [*complaints(path.read_text(encoding="utf-8"), path.suffix)]


def test_every_folder_is_checked():
    folders = {path.name for path in ROOT.iterdir() if path.is_dir()}
    hidden_or_built = {name for name in folders if name.startswith(".")} | {"build", "dist"}
    assert folders - hidden_or_built <= {*FOLDERS}


@pytest.mark.parametrize(
    ("text", "suffix"),
    [
        ("Levels follow\nthe programme.", ".md"),
        ("It is no garbage.", ".md"),
        ("# There is nobody who listens.\n", ".py"),
        ('GLIDE_S = 1\n"""In which a step is made."""\n', ".py"),
        ('print(f"{name}: what is\\nleft is longer than that of {other}")\n', ".py"),
        ("int a;  // one that\n        // is new\n", ".cpp"),
        ('echo "nothing is installed"\n', ""),
        ('{"a": "Nothing else helps."}', ".json"),
    ],
)
def test_a_banned_pattern_is_found(text, suffix):
    assert [*complaints(text, suffix)]


@pytest.mark.parametrize(
    ("text", "suffix"),
    [
        ("There is no sound server. It is no longer needed. Run `is no`.", ".md"),
        ("```\nprogramme\n```\n", ".md"),
        ('def f():\n    """Return the input."""\n', ".py"),
        ("int is_no;  // the name of the thread\n", ".cpp"),
    ],
)
def test_plain_words_pass(text, suffix):
    assert not [*complaints(text, suffix)]
