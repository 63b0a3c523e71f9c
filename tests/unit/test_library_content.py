"""The texts of shipped protocols are honest, complete, and plain for lay people."""

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import get_args

import pytest

import entrain.presets
from entrain.engine import blocks
from entrain.vdevice.limits import Category, Grade
from entrain.vdevice.protocol import library, schema
from entrain.vdevice.protocol.document import parse_protocol, write_protocol
from entrain.vdevice.protocol.model import Layer, Protocol

PAGE = (Path(__file__).parents[2] / "docs" / "protocols.md").read_text(encoding="utf-8")
ARCHITECTURE = (Path(__file__).parents[2] / "docs/architecture.md").read_text(encoding="utf-8")
FOLDER = Path(next(iter(entrain.presets.__path__)))
PROTOCOLS = {name: library.by_id(name) for name in library.ids()}

NAMED_LIKE_THEIR_IDS = [
    *("focus-16", "gamma-40", "calm-10", "calm-6", "sleep-onset", "deep-3", "wind-down", "wake-16"),
    *("breath-resonance", "bilateral-drift", "spatial-6", "phase-10", "self-binaural-10"),
    *("iso-alpha", "meditate-6"),
]

DICHOTIC = {kind for kind, block in blocks().items() if block.dichotic}
"""Kinds of layers that need each ear to hear one channel only."""

# Authors, year, journal, id.  Before you add a source, read it.
KNOWN_SOURCES = {
    ("Bang", 2019, "J Clin Psychopharmacol", "doi:10.1097/JCP.0000000000001097"),
    ("Basner", 2026, "SLEEP", None),
    ("Basu, Banerjee", 2022, "", None),
    ("Beauchene", 2016, "", None),
    ("Bressler", 2024, "Sci Rep", "doi:10.1038/s41598-024-63385-1"),
    ("Chaieb", 2017, "", None),
    ("Chan", 2022, "PLOS ONE", None),
    ("Colzato", 2017, "", None),
    ("Duecker", 2024, "J Neurosci 44(40):e1234242024", None),
    ("Engelbregt", 2019, "", None),
    ("Engelbregt", 2021, "", None),
    ("Garcia-Argibay", 2019, "", None),
    ("Gkolias", 2020, "", None),
    ("Hajós", 2024, "Front Neurol 15:1343588", "PMC10957179"),
    ("Harlow", 2023, "", None),
    ("Hebron", 2024, "PLoS Biol 22(6):e3002651", "PMC11185466"),
    ("Ingendoh", 2023, "PLOS ONE", None),
    ("Jirakittayakorn", 2017, "", None),
    ("Jirakittayakorn", 2018, "", None),
    ("Klichowski", 2023, "", None),
    ("Laborde", 2022, "", None),
    ("Lane", 1998, "", None),
    ("Lee", 2019, "", "PMC6900908"),
    ("Lee", 2024, "Sleep 47(10):zsae097", None),
    ("Leistiko", 2023, "", None),
    ("Mallik, Russo", 2022, "", None),
    ("Melnichuk", 2025, "", None),
    ("Moniz-Lewis", 2020, "", None),
    ("Monroe (Atwater, Turner)", 2013, "US application 2013/0010967", None),
    ("Nagatani", 2024, "Acoustical Society of Japan, Tech. Com. Speech 4(1), SC-2024-2", None),
    ("Nigg", 2024, "", None),
    ("Orozco Perez", 2020, "eNeuro", "PMC7082494"),
    ("Oster", 1973, "", None),
    ("Padmanabhan", 2005, "", None),
    ("Parrish, Asthagiri, Loui", 2025, "CNS poster", None),
    ("Picton", 1987, "", None),
    ("Ross", 2000, "", None),
    ("Ross, Lopez", 2020, "", "PMC7181825"),
    ("Schade", 2020, "", None),
    ("Schwarz, Taylor", 2005, "", None),
    ("Shamsi", 2024, "BMC Complement Med Ther", "doi:10.1186/s12906-024-04339-y"),
    ("Shao", 2024, "", None),
    ("Sudre", 2024, "PLOS ONE", None),
    ("Undurraga, Haywood, Marquardt, McAlpine", 2016, "", "PMC5112218"),
    ("Woods", 2019, "", "arXiv:1907.06909"),
    ("Woods", 2024, "Commun Biol 7:1376", None),
    ("Yokota", 2024, "Front Hum Neurosci", None),
}

FROM_SOURCES = {"rate_hz", "beat_hz", "carrier_hz", "am_rate_hz", "breaths_per_minute"}
FROM_SOURCES |= {"tilt_db_per_octave", "swing_deg"}
"""Parameters that an abstract may give; abstracts leave out levels, edges, corners and glides."""


@pytest.fixture(params=PROTOCOLS.values(), ids=PROTOCOLS)
def protocol(request: pytest.FixtureRequest) -> Protocol:
    assert isinstance(request.param, Protocol)
    return request.param


def all_layers(protocol: Protocol) -> tuple[Layer, ...]:
    return protocol.layers + (protocol.without_headphones or ())


def values(layer: Layer, symbol: str) -> list[float]:
    """Return all values that a parameter takes."""
    if symbol in layer.automation:
        return [point.value for point in layer.automation[symbol].points]
    return [layer.params.get(symbol, blocks()[layer.kind].parameters[symbol].initial)]


def rates_hz(layer: Layer) -> Iterator[float]:
    """Yield how often per second the sound beats, swells or moves."""
    symbols = blocks()[layer.kind].parameters
    if layer.kind == "noise":
        yield from values(layer, "am_rate_hz") if max(values(layer, "am_depth")) > 0 else ()
    elif "breaths_per_minute" in symbols:
        yield from (breaths / 60 for breaths in values(layer, "breaths_per_minute"))
    else:
        ears = 2 if layer.params.get("alternate") else 1  # the ears take turns
        symbol = "beat_hz" if "beat_hz" in symbols else "rate_hz"
        yield from (abs(value) / ears for value in values(layer, symbol))
    for automation in layer.automation.values():
        if automation.loop_s:
            yield 1 / automation.loop_s
    if layer.place and layer.place.path != "still":
        yield layer.place.path_hz


def set_symbols(layer: Layer) -> set[str]:
    """Return the parameters that a layer sets, including its place."""
    placed = layer.place.model_fields_set if layer.place else ()
    return {*layer.params, *layer.automation, *placed}


def warns_of(protocol: Protocol, word: str) -> bool:
    return any(word in warning for warning in protocol.warnings)


# ---- the library as a whole --------------------------------------------------------------------


def test_there_are_thirty_and_every_category_has_one():
    assert len(PROTOCOLS) >= 30
    used = {protocol.category for protocol in PROTOCOLS.values()}
    assert used == {*get_args(Category)} - {"own"}


@pytest.mark.parametrize("name", NAMED_LIKE_THEIR_IDS)
def test_it_is_named_as_its_id_reads(name):
    assert PROTOCOLS[name].name == name.capitalize().replace("-", " ")


def test_no_two_have_the_same_name():
    names = [protocol.name for protocol in PROTOCOLS.values()]
    assert len({*names}) == len(names)


def test_the_default_is_what_it_was():
    protocol = PROTOCOLS[library.DEFAULT_ID]
    (tone,) = protocol.layers
    assert (protocol.name, tone.id, tone.kind) == ("Alpha 10", "tone", "binaural")
    assert tone.params == {"carrier_hz": 200, "beat_hz": 10, "level_db": -15}
    assert protocol.ramp_in_s == 0


def test_the_schema_is_current():
    shipped = FOLDER / "schema" / f"protocol-{schema.VERSION}.json"
    assert json.loads(shipped.read_bytes()) == json.loads(schema.json_schema())


# ---- each protocol -----------------------------------------------------------------------------


def test_its_file_fits_the_blocks_and_is_written_as_saving_writes_it(protocol):
    text = (FOLDER / "protocols" / f"{protocol.id}.json").read_bytes()
    assert parse_protocol(text, protocol.id, blocks) == protocol
    assert write_protocol(protocol) == text


def test_the_command_of_the_page_writes_a_file_as_saving_writes_it(tmp_path):
    protocol = PROTOCOLS["focus-16"]
    (command,) = re.findall(r"^    (\.venv/bin/python.*ID\.json)$", ARCHITECTURE, re.M | re.S)
    file = tmp_path / "focus-16.json"
    file.write_text(protocol.model_dump_json(), encoding="utf-8")
    command = command.replace("\n    ", "\n").replace(".venv/bin/python", sys.executable)

    subprocess.run(command.replace("presets/protocols/ID.json", str(file)), shell=True, check=True)

    assert file.read_bytes() == write_protocol(protocol)


def test_it_is_described_in_one_to_four_sentences(protocol):
    assert 1 <= len(re.findall(r"\.(?: |$)", protocol.description)) <= 4
    assert protocol.description.endswith(".")


def test_it_has_both_grades_and_a_claim_that_promises_no_cure(protocol):
    evidence = protocol.evidence
    assert evidence is not None
    grades = (evidence.following, evidence.outcome)
    assert evidence.sources or "tradition" in grades
    assert evidence.claim.endswith(".")
    for text in (protocol.description, evidence.claim):
        assert not re.search(r"\b(cures?|heals?|treats|proven|boosts?)\b", text)


def test_a_benefit_that_is_graded_rests_on_a_source_that_speaks_for_it(protocol):
    evidence = protocol.evidence
    if {evidence.following, evidence.outcome} & {"strong", "moderate", "weak"}:
        assert any(not source.contrary for source in evidence.sources)
    if evidence.outcome == "none":
        assert any(source.contrary for source in evidence.sources)


def test_its_sources_are_known(protocol):
    for source in protocol.evidence.sources:
        assert (source.authors, source.year, source.journal, source.id) in KNOWN_SOURCES


def test_what_speaks_against_it_is_shown(protocol):
    contrary = {source.authors for source in protocol.evidence.sources if source.contrary}
    kinds = {layer.kind for layer in protocol.layers}
    if kinds & {"binaural", "harmonics", "selfbinaural"}:
        assert "Ingendoh" in contrary
        assert protocol.category != "focus" or "Klichowski" in contrary
    if protocol.category == "sleep" or protocol.id.startswith("gamma"):
        assert contrary
    if "noise" in kinds and protocol.category == "sleep":
        assert "Basner" in contrary
        assert warns_of(protocol, "Let it end")
    if "noise" in kinds and protocol.category == "focus":
        assert "Nigg" in contrary
        assert warns_of(protocol, "without ADHD")


def test_what_no_abstract_gives_is_called_our_choice(protocol):
    ours = {*protocol.evidence.our_choices}
    for layer in protocol.all_layers:
        for symbol in set_symbols(layer):
            address = f"{layer.id}.{symbol}"
            given = symbol in FROM_SOURCES and symbol not in layer.automation
            assert address in ours or given, address
            if not protocol.evidence.sources:
                assert address in ours


def test_our_choices_are_values_that_it_sets(protocol):
    there = {
        f"{layer.id}.{symbol}" for layer in protocol.all_layers for symbol in set_symbols(layer)
    }
    assert {*protocol.evidence.our_choices} <= there


def test_it_warns(protocol):
    assert warns_of(protocol, "seizure")
    slow = any(rate < 12 for layer in all_layers(protocol) for rate in rates_hz(layer))
    moving = protocol.category in ("spatial", "bilateral")
    assert warns_of(protocol, "driving") == (slow or moving)
    assert warns_of(protocol, "dizzy") or not moving
    assert warns_of(protocol, "bad memories") == (protocol.category == "bilateral")
    for category, word in {"pain": "Not a treatment", "sleep": "Not a treatment"}.items():
        assert warns_of(protocol, word) or protocol.category != category


def test_it_ends_sometime_and_comes_up_gently(protocol):
    assert protocol.max_minutes is not None
    assert (protocol.duration_s or 0) <= 60 * protocol.max_minutes
    assert protocol.ramp_in_s <= 30
    assert protocol.ramp_out_s > 0


def test_what_needs_headphones_says_so_and_has_an_alternative(protocol):
    if {layer.kind for layer in protocol.layers} & DICHOTIC:
        assert protocol.requires_headphones
    if protocol.requires_headphones:
        assert protocol.without_headphones
        assert not {layer.kind for layer in protocol.without_headphones} & DICHOTIC
        assert [layer.id for layer in protocol.without_headphones] == [
            layer.id for layer in protocol.layers
        ]


def test_an_alternative_has_the_same_rates(protocol):
    for layer, other in zip(protocol.layers, protocol.without_headphones or (), strict=False):
        assert [*rates_hz(other)] == [*rates_hz(layer)]


def test_words_are_not_safe_in_a_programme_that_swells_one_to_nine_times_a_second(protocol):
    for layer in all_layers(protocol):
        if layer.kind in ("am", "bilateral"):
            rates = [*rates_hz(layer)]
            if max(rates) >= 1 and min(rates) <= 9:
                assert not protocol.speech_safe


def test_what_one_may_fall_asleep_with_ends_within_an_hour_by_a_long_fade(protocol):
    if protocol.sleep_safe:
        assert protocol.duration_s is not None
        assert protocol.duration_s <= 3600
        assert protocol.ramp_out_s >= 60


# ---- docs/protocols.md -------------------------------------------------------------------------


def rows(chapter: str) -> list[list[str]]:
    """Return the cells of a chapter's table, without its header."""
    lines = re.findall(r"^\| (.*) \|$", PAGE.split(f"## {chapter}\n")[1].split("\n## ")[0], re.M)
    return [re.split(r" ?\| ?", line) for line in lines[1:]]


def test_the_page_lists_what_is_shipped():
    expected = [
        [
            f"`{protocol.id}`",
            protocol.name,
            protocol.category,
            protocol.evidence.following,
            protocol.evidence.outcome,
            "yes" if protocol.requires_headphones else "",
            str(protocol.max_minutes),
        ]
        for protocol in PROTOCOLS.values()
        if protocol.evidence
    ]
    assert rows("The library") == expected


def test_the_page_explains_every_grade_and_field():
    assert [row[0] for row in rows("What the grades mean")] == [*get_args(Grade)]
    fields = [row[0].strip("`") for row in rows("Write your own")]
    assert fields == [*Protocol.model_fields]


def test_the_pages_example_is_a_protocol():
    (example,) = re.findall(r"^```json\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)
    protocol = parse_protocol(example.encode(), "docs/protocols.md", blocks)
    assert protocol.requires_headphones
    assert (FOLDER / "schema" / f"protocol-{schema.VERSION}.json").name in PAGE
