"""Texts about heads for a terminal."""

from collections.abc import Mapping, Sequence
from typing import Any

from entrain.tray.text import text_layout
from entrain.vdevice.hrtf.sets import Card

_COLUMN = 14


def heads(cards: Sequence[Card], current: str, marks: Mapping[str, tuple[float, int]]) -> None:
    """Print the list of heads; the current one has an arrow."""
    column = max(len(card.id) for card in cards) + 4
    for card in cards:
        arrow = "→ " if card.id == current else "  "
        mean, count = marks.get(card.id, (0.0, 0))
        answer = f"; your mark {mean:.1f} of 5" if count else ""
        text_layout.item(arrow + card.id, card.title + answer, column)


def description(name: str, found: Mapping[str, Any]) -> None:
    """Print what `entrain hrtf info` found out."""
    facts = found["facts"]
    text_layout.heading(facts.get("Title") or name)
    rows = [
        (
            "directions",
            f"{found['directions']}, from {found['lowest_deg']:g}° to {found['highest_deg']:g}°; "
            f"{found['covered_percent']} % of the sphere",
        ),
        (
            "ears",
            f"at most {found['longest_itd_us']} µs and {found['largest_ild_db']:g} dB between "
            f"them, as with a head of {found['head_cm']} cm",
        ),
    ]
    rows += [
        (label, facts[key])
        for label, key in (
            ("database", "DatabaseName"),
            ("listener", "ListenerShortName"),
            ("made by", "Organization"),
            ("licence", "License"),
            ("cite", "References"),
        )
        if facts.get(key)
    ]
    rows += [("note", note) for note in found["notes"]]
    for label, text in rows:
        text_layout.item(label, text, _COLUMN)
