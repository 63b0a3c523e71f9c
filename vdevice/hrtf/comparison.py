"""A comparison of heads by ear: the order in which they are heard, and the answers."""

import json
import random
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from entrain.platform.files import append_line, read_last_lines

FILE_NAME = "hrtf-answers.jsonl"
WORST, BEST = 1, 5
QUESTION = "Is the sound outside your head, and where it should be?"
_MAX_READ_BYTES = 1 << 16


@dataclass
class Comparison:
    """One round: each head is heard once, in random order and without its name."""

    heads: Sequence[str]
    """Ids in the order in which they are heard."""
    marks: dict[str, int] = field(default_factory=dict)
    """Answers so far, `WORST` to `BEST`, by id."""

    @classmethod
    def shuffled(cls, heads: Sequence[str], rng: random.Random | None = None) -> "Comparison":
        """Begin a round in random order."""
        order = list(heads)
        (rng or random.Random()).shuffle(order)
        return cls(order)

    @property
    def best(self) -> str:
        """The id with the highest mark; of equals, the one heard first.  Empty without answers."""
        return max(self.marks, key=lambda head: self.marks[head], default="")

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


def means(path: Path) -> dict[str, tuple[float, int]]:
    """Return the mean mark of each head and the number of its marks, over all kept rounds."""
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
