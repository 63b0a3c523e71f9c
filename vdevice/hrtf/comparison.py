"""A comparison of heads by ear: blind and in random order, with marks that are kept."""

import json
import random
import string
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from entrain.platform.files import append_line, read_last_lines
from entrain.platform.folders import state_folder

FILE_NAME = "hrtf-answers.jsonl"
WORST, BEST = 1, 5
MOST_HEADS = 16
"""Heads in one comparison; more of them cannot be told apart."""
_MAX_READ_BYTES = 1 << 16
"""The end of the file of answers that is read; each round takes about 100 bytes."""


@dataclass
class Comparison:
    """One round: the listener hears heads in any order and number, by letters instead of names."""

    heads: Sequence[str]
    """Ids in the order of their letters."""
    marks: dict[str, int] = field(default_factory=dict)
    """Answers so far, `WORST` to `BEST`, by id."""
    place: int = 0
    """Place of the head that is heard."""

    @classmethod
    def shuffled(cls, heads: Sequence[str], rng: random.Random | None = None) -> "Comparison":
        """Begin a round in random order."""
        order = list(heads)
        (rng or random.Random()).shuffle(order)
        return cls(order)

    @property
    def letters(self) -> str:
        """The letters that stand for the heads."""
        return string.ascii_uppercase[: len(self.heads)]

    @property
    def head(self) -> str:
        """The id of the head that is heard."""
        return self.heads[self.place]

    @property
    def unmarked(self) -> str:
        """The letters of the heads without a mark."""
        pairs = zip(self.letters, self.heads, strict=True)
        return "".join(letter for letter, head in pairs if head not in self.marks)

    def go_to(self, letter: str) -> None:
        """Hear the head with this letter."""
        self.place = self.letters.index(letter)

    def step(self, by: int) -> None:
        """Hear the next head, or the previous one; they form a ring."""
        self.place = (self.place + by) % len(self.heads)

    def mark(self, mark: int) -> bool:
        """Mark the head that is heard, and go to the next one without a mark.

        Returns
        -------
        bool
            Whether there is such a head.

        """
        is_new = self.head not in self.marks
        self.marks[self.head] = mark
        if is_new:
            while self.unmarked and self.letters[self.place] not in self.unmarked:
                self.step(1)
        return is_new and bool(self.unmarked)

    def ranking(self) -> list[tuple[int, str, str]]:
        """Return mark, letter and id of the marked heads, the best ones first."""
        pairs = zip(self.letters, self.heads, strict=True)
        marked = [(self.marks[head], letter, head) for letter, head in pairs if head in self.marks]
        return sorted(marked, key=lambda each: -each[0])

    def keep(self, path: Path) -> None:
        """Add the answers to a file.

        Raises
        ------
        OSError
            The file cannot be written.

        """
        if self.marks:
            entry = {"at": time.strftime("%Y-%m-%dT%H:%M:%S%z"), "marks": self.marks}
            append_line(path, json.dumps(entry).encode())


def answers_path() -> Path:
    """Return the file of this user's answers; makes nothing."""
    return state_folder() / FILE_NAME


def means(path: Path) -> dict[str, tuple[float, int]]:
    """Return the mean mark of each head and the number of its marks, over the last rounds."""
    found: dict[str, list[int]] = {}
    try:
        lines = read_last_lines(path, _MAX_READ_BYTES).splitlines()
    except OSError:
        return {}
    for line in lines:
        try:
            marks = json.loads(line)["marks"].items()
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
            continue
        for head, mark in marks:
            if isinstance(mark, int) and WORST <= mark <= BEST:
                found.setdefault(head, []).append(mark)
    return {head: (sum(marks) / len(marks), len(marks)) for head, marks in found.items()}
