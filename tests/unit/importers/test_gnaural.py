"""Imports Gnaural's schedules; all expected breakpoints were computed by hand from the files."""

import math
import random
from pathlib import Path

import pytest
from unit.importers.gnaural_files import (
    entry,
    layer_value,
    notes,
    only_layer,
    points,
    read,
    schedule,
    voice,
)

from entrain.vdevice.protocol.document import write_protocol

FIXTURES = Path(__file__).parent / "fixtures"
FULL_DB = 20 * math.log10(0.5 / math.sqrt(2))  # a tone at volume 1: half of full scale, as RMS


# ---- time ------------------------------------------------------------------------------------


def test_the_last_entry_leads_back_to_the_first():
    layer = only_layer(schedule(voice(entry(60, 10, 200), entry(30, 4, 150))))

    assert points(layer, "beat_hz") == [(0, 10), (60, 4), (90, 10)]
    assert points(layer, "carrier_hz") == [(0, 200), (60, 150), (90, 200)]
    assert layer.automation["beat_hz"].loop_s == 0


def test_a_single_entry_stands_still():
    layer = only_layer(schedule(voice(entry(60, 10, 200))))

    assert layer.automation == {}
    assert (layer.params["beat_hz"], layer.params["carrier_hz"]) == (10, 200)


def test_an_entry_without_duration_is_a_jump():
    layer = only_layer(schedule(voice(entry(10, 12), entry(0, 8), entry(10, 5))))

    assert points(layer, "beat_hz") == [(0, 12), (10, 8), (10.001, 5), (20, 12)]


def test_of_several_jumps_at_once_the_last_one_counts():
    layer = only_layer(schedule(voice(entry(10, 12), entry(0, 8), entry(0, 30), entry(10, 5))))

    assert points(layer, "beat_hz") == [(0, 12), (10, 8), (10.001, 5), (20, 12)]


def test_a_jump_leaves_room_for_an_entry_that_is_shorter_than_itself():
    layer = only_layer(schedule(voice(entry(10, 12), entry(0, 8), entry(0.001, 5), entry(5, 7))))

    assert points(layer, "beat_hz") == [(0, 12), (10, 8), (10.0005, 5), (10.001, 7), (15.001, 12)]


def test_jumps_at_the_begin_and_at_the_end_need_no_time():
    layer = only_layer(schedule(voice(entry(0, 20), entry(10, 10), entry(0, 6))))

    assert points(layer, "beat_hz") == [(0, 10), (10, 6)]


def test_entries_on_one_line_are_merged():
    layer = only_layer(schedule(voice(entry(20, 10), entry(20, 8), entry(20, 6))))

    assert points(layer, "beat_hz") == [(0, 10), (40, 6), (60, 10)]


def test_the_shortest_voice_ends_the_schedule():
    text = schedule(voice(entry(50, 10), entry(50, 20)), voice(entry(75, 4)))
    protocol = read(text).protocol

    assert protocol.duration_s == 75
    assert points(protocol.layers[0], "beat_hz") == [(0, 10), (50, 20), (75, 15)]
    assert "3: voice 1 ends after 100 s, but is cut at 75 s" in notes(text)


@pytest.mark.parametrize("shorter", ["<voice_mute>1</voice_mute>", "<type>2</type>"])
def test_voices_that_are_left_out_end_it_too(shorter):
    quiet = f"<voice>{shorter}<entries>{entry(30)}</entries></voice>"

    assert read(schedule(voice(entry(50)), quiet)).protocol.duration_s == 30


@pytest.mark.parametrize("entries", ["", entry(0)])
def test_voices_without_length_do_not_end_it(entries):
    text = schedule(voice(entry(50)), voice(entries, description="draft"))

    assert read(text).protocol.duration_s == 50
    assert "voice 2 ('draft') has length 0; left out" in notes(text)


@pytest.mark.parametrize(
    ("loops", "duration_s", "loop", "loop_s"),
    [(1, 90, False, 0), (3, 270, False, 90), (0, 90, True, 0), (-1, 90, True, 0)],
)
def test_loops(loops, duration_s, loop, loop_s):
    protocol = read(schedule(voice(entry(60, 10), entry(30, 4)), loops=loops)).protocol

    assert (protocol.duration_s, protocol.loop) == (duration_s, loop)
    assert protocol.layers[0].automation["beat_hz"].loop_s == loop_s


def test_more_than_a_week_does_not_end():
    text = schedule(voice(entry(3600)), loops=1000)

    assert read(text).protocol.loop
    assert "3: 1000 passes last more than 7 days; it loops without end" in notes(text)


# ---- volume ----------------------------------------------------------------------------------


def test_the_loudest_moment_is_the_level_and_the_rest_is_amount():
    layer = only_layer(schedule(voice(entry(30, left=0.8), entry(30, left=0.2))))

    assert layer.params["floor_db"] == pytest.approx(FULL_DB + 20 * math.log10(0.8), abs=0.01)
    assert layer.params["ceiling_db"] == layer.params["floor_db"]
    assert points(layer, "amount") == [(0, 1), (30, 0.25), (60, 1)]


def test_overall_volume_counts_and_each_ear_has_its_own():
    text = schedule(
        voice(entry(60, left=0.8, right=0.2)), overallvolume_left=0.5, overallvolume_right=1
    )
    layer = only_layer(text)

    # 0.4 left and 0.2 right
    assert layer.params["floor_db"] == pytest.approx(FULL_DB + 20 * math.log10(0.4), abs=0.01)
    assert layer.params["balance"] == -0.5
    assert notes(text) == ""


def test_swapped_ears_swap_their_volumes_after_all_else():
    text = schedule(
        voice(entry(60, left=0.8, right=0.2)),
        overallvolume_left=0.5,
        overallvolume_right=1,
        stereoswap=1,
    )

    assert only_layer(text).params["balance"] == 0.5


@pytest.mark.parametrize("kind", range(7))
@pytest.mark.parametrize("mono", [0, 1])
def test_every_kind_of_voice_has_a_balance(kind, mono):
    if kind == 2:
        return  # plays a sound file
    slow = entry(60, 8, 1e-5, left=0.1, right=0.4)
    text = schedule(voice(slow, type=kind, voice_mono=mono))
    protocol = read(text).protocol
    for layer in (*protocol.layers, *(protocol.without_headphones or ())):
        assert layer.params["balance"] == 0.75


def test_equal_ears_have_no_balance():
    assert "balance" not in only_layer(schedule(voice(entry(30, left=0.3), entry(30)))).params


def test_the_balance_jumps_in_silence_and_where_the_file_does():
    layer = only_layer(
        schedule(
            voice(
                entry(10, left=0.5, right=0.1),
                entry(10, left=0, right=0),
                entry(0, left=0, right=0.5),
                entry(10, left=0.4, right=0.4),
            )
        )
    )

    # 0.5 : 0.1, down to silence at 10 s; then 0 : 0.5 up to 20 s, where it jumps to even volumes;
    # then back to the beginning.
    found = points(layer, "balance")
    assert found[:4] == [(0, -0.8), (10, -0.8), (10.001, 1), (20, 1)]
    assert found[4] == (20.001, 0)
    assert found[-1] == (30, -0.8)
    assert points(layer, "amount")[:4] == [(0, 1), (10, 0), (20, 1), (20.001, 0.8)]


def test_volumes_beyond_their_range_are_held():
    text = schedule(voice(entry(30, left=1.5), entry(30, left=-0.5)), overallvolume_left=1.2)
    layer = only_layer(text)

    assert layer.params["floor_db"] == pytest.approx(FULL_DB, abs=0.01)
    assert points(layer, "amount") == [(0, 1), (30, 0), (60, 1)]
    assert "overallvolume_left = 1.2 is outside 0 … 1; limited to that" in notes(text)
    assert "voice 1 has a volume outside 0 … 1; limited to that (lines 5, 6)" in notes(text)


def test_voices_that_are_too_loud_together_are_all_quieter():
    text = schedule(*[voice(entry(60, left=1)) for _ in range(4)])  # the sum peaks at 4 * 0.5
    levels = [layer.params["floor_db"] for layer in read(text).protocol.layers]

    assert levels == [pytest.approx(FULL_DB - 20 * math.log10(2), abs=0.01)] * 4
    assert "0: together the voices are too loud; each is 6.0 dB quieter" in notes(text)


def test_voices_that_take_turns_are_not_too_loud():
    fades = [[entry(10, left=v) for v in order] for order in [(1, 0), (0, 1)] * 2]

    assert "too loud" not in notes(schedule(*[voice(*each) for each in fades]))


def test_a_silent_voice_is_left_out():
    text = schedule(voice(entry(60)), voice(entry(60, left=0)))

    assert len(read(text).protocol.layers) == 1
    assert "voice 2 is never heard; left out" in notes(text)


# ---- kinds of voices -------------------------------------------------------------------------


def test_swapped_ears_turn_the_beat_round():
    layer = only_layer(schedule(voice(entry(60, 10), entry(60, -4)), stereoswap=1))

    assert points(layer, "beat_hz") == [(0, -10), (60, 4), (120, -10)]


def test_binaural_beats_need_headphones_and_are_monaural_without():
    protocol = read(schedule(voice(entry(60, 10), entry(60, 4)))).protocol
    (alone,) = protocol.without_headphones or ()

    assert protocol.requires_headphones
    assert (protocol.layers[0].kind, alone.kind) == ("binaural", "monaural")
    assert points(alone, "beat_hz") == points(protocol.layers[0], "beat_hz")
    assert alone.params == protocol.layers[0].params


def test_a_tone_without_a_beat_needs_no_headphones():
    protocol = read(schedule(voice(entry(60, 0, 300)))).protocol

    assert not protocol.requires_headphones
    assert protocol.layers[0].params["beat_hz"] == 0


def test_a_mono_voice_is_monaural_3_db_down():
    """Two tones of half amplitude have half the power of one full tone."""
    protocol = read(schedule(voice(entry(60, 10, left=1), voice_mono=1))).protocol
    (layer,) = protocol.layers

    assert (layer.kind, protocol.requires_headphones) == ("monaural", False)
    assert layer.params["floor_db"] == pytest.approx(FULL_DB - 3.01, abs=0.01)


def test_isochronic_pulses():
    layer = only_layer(schedule(voice(entry(60, 8, 300), entry(60, 12, 300), type=3)))

    assert layer.kind == "isochronic"
    assert points(layer, "rate_hz") == [(0, 8), (60, 12), (120, 8)]
    shape = ("carrier_hz", "duty", "attack_ms", "release_ms")
    assert [layer.params[symbol] for symbol in shape] == [300, 0.5, 2.3, 2.3]


def test_pulses_in_turns_come_twice_as_often_as_each_ear_hears_them():
    protocol = read(schedule(voice(entry(60, 8), entry(60, 12), type=4))).protocol
    (layer,), (together,) = protocol.layers, protocol.without_headphones or ()

    assert points(layer, "rate_hz") == [(0, 16), (60, 24), (120, 16)]
    assert (layer.params["alternate"], layer.params["duty"]) == (1, 1)
    assert points(together, "rate_hz") == [(0, 8), (60, 12), (120, 8)]
    assert (together.params.get("alternate", 0), together.params["duty"]) == (0, 0.5)


def test_pulses_that_never_come_are_a_steady_tone():
    layer = only_layer(schedule(voice(entry(60, 0, 300), type=3)))

    assert (layer.kind, layer.params["beat_hz"]) == ("binaural", 0)


def test_pulses_slow_down_to_a_standstill_and_on():
    text = schedule(voice(entry(10, 10), entry(10, -10), type=3))
    layer = only_layer(text)

    # |10 - 2 t| from 0 to 10 s, limited to 0.01 Hz from 4.995 s to 5.005 s; and back
    assert points(layer, "rate_hz") == [
        *[(0, 10), (4.995, 0.01), (5.005, 0.01), (10, 10)],
        *[(14.995, 0.01), (15.005, 0.01), (20, 10)],
    ]


def test_noise_has_its_level_below_the_tones():
    layer = only_layer(schedule(voice(entry(60, left=1), type=1)))

    assert (layer.kind, layer.params["width"]) == ("noise", 1)
    assert layer.params["floor_db"] == pytest.approx(20 * math.log10(0.29 / 2), abs=0.01)


def test_mono_noise_is_the_same_in_both_ears():
    layer = only_layer(schedule(voice(entry(60, left=1), type=1, voice_mono=1)))

    assert layer.params["width"] == 0
    assert layer.params["floor_db"] == pytest.approx(20 * math.log10(0.29 / 2) - 3.01, abs=0.01)


def test_single_drops_are_bursts():
    """Two slots start a drop with a probability of 1e-5 per frame, and rest for 185 frames."""
    text = schedule(voice(entry(60, 2, 1e-5), type=5))
    layer = only_layer(text)

    assert layer.kind == "pulse"
    assert layer.params["rate_hz"] == pytest.approx(2 * 44100 / (100_000 + 185), abs=0.001)
    assert "3: voice 1 plays water drops, 0.88 drops per second; imported as even" in notes(text)


def test_dense_rain_is_noise():
    text = schedule(voice(entry(60, 8, 0.1), type=6))

    assert only_layer(text).kind == "noise"
    assert "plays rain, 2.71e+04 drops per second; imported as noise" in notes(text)


@pytest.mark.parametrize(
    ("left_out", "why"),
    [
        (voice(entry(60), type=2), "voice 2 plays a sound file; left out"),
        (voice(entry(60), type=7), "voice 2 has the unknown type 7; left out"),
        (voice(entry(60), voice_mute=1), "voice 2 is muted; left out"),
        (voice(entry(60, 2, 0), type=5), "voice 2 plays water drops without any drops; left out"),
    ],
)
def test_what_cannot_be_played_is_named(left_out, why):
    text = schedule(voice(entry(60)), left_out)

    assert len(read(text).protocol.layers) == 1
    assert why in notes(text)


# ---- ranges ----------------------------------------------------------------------------------


def test_a_carrier_below_1_hz_is_held_just_as_long_as_it_is_below():
    text = schedule(voice(entry(20, 4, 0), entry(20, 4, 2)))
    layer = only_layer(text)

    assert points(layer, "carrier_hz") == [(0, 1), (10, 1), (20, 2), (30, 1), (40, 1)]
    assert "4: voice 1 has an inaudible carrier below 1 Hz; raised to that (line 4)" in notes(text)


@pytest.mark.parametrize(("kind", "mono"), [(0, 0), (0, 1), (3, 0), (4, 0)])
def test_beats_and_carriers_are_what_the_file_says(kind, mono):
    text = schedule(voice(entry(10, 200, 20_000), entry(10, 100, 30), type=kind, voice_mono=mono))
    layer = only_layer(text)

    symbol, factor = {0: ("beat_hz", 1), 3: ("rate_hz", 1), 4: ("rate_hz", 2)}[kind]
    beats = [(0, 200 * factor), (10, 100 * factor), (20, 200 * factor)]
    assert points(layer, symbol) == beats
    assert points(layer, "carrier_hz") == [(0, 20_000), (10, 30), (20, 20_000)]
    assert "held" not in notes(text)


@pytest.mark.parametrize(
    ("beat", "base", "what"),
    [(200.1, 300, "a beat of more than 200 Hz"), (8, 20_001, "a carrier above 20000 Hz")],
)
@pytest.mark.parametrize("kind", [0, 3, 4])
def test_what_no_layer_reaches_is_left_out_and_said(beat, base, what, kind):
    text = schedule(voice(entry(60)), voice(entry(30), entry(30, beat, base), type=kind))

    assert len(read(text).protocol.layers) == 1
    assert f"voice 2 has {what}; left out (line 8)" in notes(text)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "utf-16-be"])
@pytest.mark.parametrize("declared", ["UTF-8", "UTF-16"])
def test_text_of_other_systems(encoding, declared):
    """Editors keep the encoding declared in the first line, and DOS ends a text with Ctrl-Z."""
    text = (
        schedule(voice(entry(60)), title="Caf\xe9")
        .decode()
        .replace('"1.0"', f'"1.0" encoding="{declared}"')
    )
    if encoding == "utf-8" and declared == "UTF-16":
        return  # wrong, and not written by any editor
    mark = "\ufeff" if encoding == "utf-16-be" else ""

    assert read((mark + text + "\r\n\x1a").encode(encoding)).protocol.name == "Caf\xe9"


def test_many_lines_are_counted():
    text = schedule(voice(*[entry(10, 4, 0) for _ in range(9)]))

    assert "(lines 4, 5, 6, 7, 8 and 4 more)" in notes(text)


# ---- whole files -----------------------------------------------------------------------------


def test_a_file_with_a_stale_header_a_jump_and_a_longer_voice():
    protocol = read((FIXTURES / "evening.gnaural").read_bytes()).protocol
    tone, noise = protocol.layers

    assert (protocol.id, protocol.name, protocol.category) == ("some-file", "Evening lake", "own")
    assert protocol.description == "From alpha to theta, and back (author: A Tester)"
    assert (protocol.duration_s, protocol.loop) == (300, False)
    # 60 s from 10 to 6 Hz, 120 s to 4 Hz, a jump to 5 Hz, 120 s back to 10 Hz
    assert points(tone, "beat_hz") == [(0, 10), (60, 6), (180, 4), (180.001, 5), (300, 10)]
    assert points(tone, "carrier_hz") == [(0, 200), (60, 180), (180, 180), (300, 200)]
    assert points(tone, "amount") == [(0, 0.5), (60, 1), (180, 1), (300, 0.5)]
    assert tone.params["floor_db"] == pytest.approx(FULL_DB + 20 * math.log10(0.4), abs=0.01)
    assert noise.automation == {}


def test_a_file_with_every_kind_of_voice():
    imported = read((FIXTURES / "every-voice.gnaural").read_bytes())
    protocol = imported.protocol

    assert protocol.name == "Some file"  # its title is empty
    assert (protocol.duration_s, protocol.loop) == (60, True)
    assert [layer.id for layer in protocol.layers] == [
        *["binaural", "noise", "isochronic", "isochronic-2", "pulse", "noise-2"],
    ]
    assert [layer.kind for layer in protocol.without_headphones or ()] == [
        *["monaural", "noise", "isochronic", "isochronic", "pulse", "noise"],
    ]
    assert [note.line for note in imported.notes] == [8, 9, 11, 12, 13, 14, 15, 16]


def test_ten_thousand_entries_fit_into_a_file_of_the_library():
    """10 080 entries of noise volumes along a sine are thinned, with errors of at most 1 %."""
    waves = [
        [0.5 + 0.4 * math.sin(k / (5 + v)) * math.sin(k / 300) for k in range(5040)]
        for v in range(2)
    ]
    text = schedule(
        *[voice(*[entry(0.2, left=round(x, 5)) for x in wave], type=1) for wave in waves],
        voice(entry(500, 10), entry(508, 4)),
    )
    protocol = read(text).protocol

    assert len(write_protocol(protocol)) < 1 << 20
    assert "0: long curves have fewer breakpoints, within" in notes(text)
    for layer, wave in zip(protocol.layers, waves, strict=False):
        for k in range(0, 5040, 37):
            assert layer_value(layer, "amount", 0.2 * k) == pytest.approx(
                wave[k] / max(wave), abs=0.02
            )


def test_ears_that_differ_by_chance_in_thousands_of_entries_fit_too():
    """The file has more than 1 MB; its ears differ by a few percent in each entry."""
    rng = random.Random(4)
    lefts = [round(0.2 + rng.uniform(-0.02, 0.02), 6) for _ in range(5000)]
    noise = [entry(0.4, left=left, right=0.2) for left in lefts]
    text = schedule(voice(*noise, type=1), voice(*reversed(noise), type=1))
    assert len(text) > 1_000_000
    protocol = read(text).protocol

    assert len(write_protocol(protocol)) < 1 << 20
    layer = protocol.layers[0]
    full = 10 ** (layer.params["floor_db"] / 20) / (0.29 / 2)
    for place in range(0, 5000, 97):
        volume = full * layer_value(layer, "amount", 0.4 * place)
        balance = layer_value(layer, "balance", 0.4 * place)
        assert volume * min(1, 1 - balance) == pytest.approx(lefts[place], abs=0.03)
        assert volume * min(1, 1 + balance) == pytest.approx(0.2, abs=0.03)


def test_a_file_of_5_mb_is_read():
    text = schedule(voice(*[entry(0.05) for k in range(50_000)]))
    assert len(text) > 5_000_000

    assert read(text).protocol.duration_s == 2500
