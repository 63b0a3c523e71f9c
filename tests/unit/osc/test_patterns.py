"""OSC 1.0 patterns, and hostile ones."""

import time

import pytest

from entrain.vdevice.bridge.osc.patterns import BadPattern, is_pattern, matcher


@pytest.mark.parametrize(
    ("pattern", "names", "others"),
    [
        ("*", ["tone", ""], []),
        ("t*e", ["tone", "take"], ["tones", "one"]),
        ("t?ne", ["tone"], ["tuning", "toone"]),
        ("[a-c]x", ["ax", "cx"], ["dx", "x"]),
        ("[!a-c]x", ["dx"], ["ax", "x"]),
        ("{tone,music}", ["tone", "music"], ["tonemusic", "ton"]),
        ("{a,b}-{c,d}", ["a-c", "b-d"], ["a-b"]),
        ("a.c", ["a.c"], ["abc"]),
        ("(a|b)", ["(a|b)"], ["a", "b"]),
        ("{,tone}", ["", "tone"], ["t"]),
        ("{{a,b},c}", ["a", "b", "c"], ["ab"]),
    ],
)
def test_patterns_match(pattern, names, others):
    matches = matcher(pattern)
    assert all(matches(name) for name in names)
    assert not any(matches(name) for name in others)


def test_only_some_characters_make_a_pattern():
    assert is_pattern("/entrain/*/beat_hz")
    assert not is_pattern("/entrain/tone-2/beat_hz")


@pytest.mark.parametrize("pattern", ["[a", "a]", "{a", "a}", "{a,b", "[]", "*" * 129, "{a,b}" * 5])
def test_broken_and_long_patterns_are_refused(pattern):
    with pytest.raises(BadPattern):
        matcher(pattern)


@pytest.mark.parametrize(
    "pattern", ["*a" * 60 + "b", "?*" * 60 + "b", "{*a*a*a*a*a,*b*b*b*b*b}*c*d*e*"]
)
def test_no_pattern_takes_long(pattern):
    """A matcher that goes back for each star would take hours for this."""
    begin_s = time.process_time()
    matches = matcher(pattern)
    for _ in range(100):
        assert not matches("a" * 63)
    assert time.process_time() - begin_s < 5
