"""The page for Open Stage Control, and the page about OSC, have addresses that exist."""

import asyncio
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from unit.osc.fuzz import made_mirror

from entrain.vdevice.bridge.osc.tree import ROOT, parameters, values
from entrain.vdevice.bridge.osc.words import WORDS
from entrain.vdevice.protocol import library
from entrain.vdevice.protocol.names import OSC_WORDS

DOCS = Path(__file__).parents[3] / "docs"
PAGE = DOCS / "entrain-open-stage-control.json"


def widgets(of: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for each in (*of.get("widgets", ()), *of.get("tabs", ())):
        yield each
        yield from widgets(each)


def test_every_widget_sends_or_shows_an_address_that_exists():
    async def main() -> None:
        mirror = made_mirror()
        found = list(widgets(json.loads(PAGE.read_text(encoding="utf-8"))["content"]))
        assert len(found) > 15
        assert len({each["id"] for each in found}) == len(found)
        for each in found:
            root, *parts = each["address"][1:].split("/")
            assert root == ROOT
            if each.get("bypass"):  # it only shows what comes
                assert "/".join(parts) in values(mirror), each
            elif len(parts) == 2:
                ((_, parameter),) = parameters(mirror, *parts)
                low, high = each["range"]["min"], each["range"]["max"]
                assert parameter.minimum <= low < high <= parameter.maximum
            elif parts != ["xmit"]:
                argument = each["on"]
                WORDS[parts[0]].request(argument if isinstance(argument, str) else float(argument))
                if parts == ["use"]:
                    assert argument in library.ids()
        mirror.close()
        await asyncio.sleep(0)

    asyncio.run(main())


def test_the_page_about_osc_names_all_words():
    text = (DOCS / "osc.md").read_text(encoding="utf-8")
    for word in WORDS:
        assert f"`/entrain/{word}`" in text
    listed = text[text.index("cannot be given to layers:") :]
    assert set(re.findall(r"`(\w+)`", listed)) == OSC_WORDS
