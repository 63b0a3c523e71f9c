"""Broken files for the importers: each is refused in a line, or becomes a protocol that plays.

As a program it reads many of them under limits of time and memory:

    python tests/unit/importers/fuzz.py --count 50000
"""

import argparse
import faulthandler
import random
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from entrain.block import Block
from entrain.engine import blocks
from entrain.vdevice.protocol.check import problems
from entrain.vdevice.protocol.document import parse_protocol, write_protocol
from entrain.vdevice.protocol.importers.gnaural.reader import read_gnaural
from entrain.vdevice.protocol.importers.report import Imported, ImportRefused
from entrain.vdevice.protocol.importers.sbagen.reader import read_sbg

MAX_CPU_S = 1.0
MAX_BYTES = 200 << 20
_HANG_S = 60.0

SBG_SEEDS: tuple[bytes, ...] = (
    b"""\
## A session in four steps
-SE -m river.ogg#2
-F 30000
calm: pink/40 200+10/20 - mix/80
deep: pink/40 150+4.5/20 bell+528/30 mix/60
spin: spin:300+0.1/30 200/10 - mix/60
wave07: 0 0.5 1 1 0.2
shape: wave07:220+8/15 -
off: -
0:00:00 calm
0:05:00 == deep ->
0:10:00 <> spin
0:12:30 =- shape
1:5:00 off
""",
    b"""\
ts1: 100+5/10\r
ts2: white/20 300-7.5/10 brown/5\r
inner: {\r
+00:00 ts1 ->\r
+00:05 <- ts2\r
}\r
outer: {\r
+00:00 inner\r
+01:00 inner\r
}\r
NOW outer\r
+06:00 outer\r
+10:00 ts1""",
    b"""\
-S -q 4 -L 2:30
-V 80
-w triangle
a: 200@7.83/30 mixam:beat:m=pulse:f=0.2 mix/100
b: square:180+6/20 mixbeat:4/40 mix/50 mixspin:300+0.2/60
c: noisepulse:8/20 mixpulse:6/40 orbitbeat:200+4+1/20
23:30 a
00:30 == b
06:00 c ->
""",
    b"""\
-SE -F 500
custom00: e=2 0 .5 1 0
spin01: -1 1
NOW 200+10/20 == pink/30
+00:10 custom00:200@8/20 spin01:spin:-300+4/20 ->
+0:20:30 <> bell+700/5 white/3
+0:30 -\r\n\x1a""",
    "-p drop t10,5,1 30lk@/20 brown/10 15000/3\n".encode("utf-16"),
    b"-p drop t10,5,1 30ds+^/20 pink/10 - bell+400/5\n",
    b"-p slide t5 200-10/20 brown/10\n",
    b"-i 200+10/20 pink/30 5000/1\n",
    b"# latin-1: caf\xe9\nx: 0/0 1500-50/100 20+50/.5 1e3+2e0/1e1 -300+4/20\n12:00+01:00+00:30 x\n",
)

GNAURAL_SEEDS: tuple[bytes, ...] = (
    *(path.read_bytes() for path in sorted(Path(__file__).parent.glob("fixtures/*.gnaural"))),
    b"""<schedule><loops>3</loops><overallvolume_left>.7</overallvolume_left>
<voice><description>a &amp; b</description><type>4</type><entries>
<entry duration="5" volume_left=".5" volume_right=".25" beatfreq="-3" basefreq="20"/>
<entry duration="0" beatfreq="3" basefreq="300"/>
<entry duration="0.0005" beatfreq="60" basefreq="30"/>
<entry duration="1e1" volume_left="1" volume_right="0" beatfreq="0" basefreq="1600"/>
</entries></voice></schedule>""",
    b"""<?xml version="1.0" encoding="latin-1"?><!DOCTYPE schedule [<!ENTITY e "\xe9">]>
<schedule><title>&e;</title><voice><entries><entry duration="1"/></entries></voice></schedule>""",
)


@dataclass(frozen=True)
class Format:
    """What is fuzzed."""

    name: str
    reader: Callable[[bytes, str, str, Mapping[str, Block]], Imported]
    seeds: Sequence[bytes]


FORMATS: list[Format] = [
    Format("sbg", read_sbg, SBG_SEEDS),
    Format("gnaural", read_gnaural, GNAURAL_SEEDS),
]

_NUMBERS = (b"0", b"-1", b"1e308", b"1e-9", b"99999999999", b"nan", b"inf", b"0x10", b"24", b".")
_PIECES = (b"+", b"-", b"->", b"/", b":", b"@", b"<>", b"==", b"{", b"}", b"#", b"##", b"NOW")
_PIECES += (b"\x00", b"\xff", b"\xef\xbb\xbf", b"\r\n", b"\n", b" ", b"\t", b"<", b">", b"&", b'"')


def mutants(seeds: Sequence[bytes], count: int, rng: random.Random) -> Iterator[bytes]:
    """Make broken files: each a seed with one to eight accidents."""
    for _ in range(count):
        data = rng.choice(seeds)
        for _ in range(rng.choice((1, 1, 1, 2, 3, 5, 8))):
            data = rng.choice(_ACCIDENTS)(data, seeds, rng)[: 1 << 20]
        yield data


def check(form: Format, data: bytes) -> bool:
    """Read one file; returns whether it was imported, and asserts that it is what it should be."""
    imported = read(form, data)
    if imported is not None:
        check_imported(imported, data)
    return imported is not None


def read(form: Format, data: bytes) -> Imported | None:
    """Read one file; None: it was refused, with an error as it should be."""
    try:
        return form.reader(data, "file", "File", blocks())
    except ImportRefused as refused:
        lines = str(refused).splitlines()
        assert lines
        assert all(line.startswith("file:") and line.isprintable() for line in lines), lines
        return None


def check_imported(imported: Imported, data: bytes) -> None:
    """Assert that the blocks can play it, that it can be saved, and that its notes can be read."""
    assert not list(problems(imported.protocol, blocks))
    assert parse_protocol(write_protocol(imported.protocol), "again", blocks) == imported.protocol
    last = data.count(b"\n") + data.count(b"\r") + 1
    for note in imported.notes:
        assert note.text.isprintable()
        assert 0 <= note.line <= last


def _flip(data: bytes, seeds: Sequence[bytes], rng: random.Random) -> bytes:
    at = rng.randrange(len(data) + 1)
    return data[:at] + bytes([rng.randrange(256)]) + data[at + 1 :]


def _cut(data: bytes, seeds: Sequence[bytes], rng: random.Random) -> bytes:
    at = rng.randrange(len(data) + 1)
    return data[:at] + data[at + rng.choice((1, 2, 5, 20, 200)) :]


def _insert(data: bytes, seeds: Sequence[bytes], rng: random.Random) -> bytes:
    at = rng.randrange(len(data) + 1)
    return data[:at] + rng.choice(_PIECES + _NUMBERS) + data[at:]


def _number(data: bytes, seeds: Sequence[bytes], rng: random.Random) -> bytes:
    """Put another number where one is."""
    places = [at for at, byte in enumerate(data) if 48 <= byte <= 57]
    if not places:
        return data
    at = rng.choice(places)
    end = at
    while end < len(data) and data[end : end + 1].isdigit():
        end += 1
    new = rng.choice((*_NUMBERS, b"%d" % rng.randrange(100), b"%.3f" % rng.uniform(0, 2000)))
    return data[:at] + new + data[end:]


def _repeat(data: bytes, seeds: Sequence[bytes], rng: random.Random) -> bytes:
    at = rng.randrange(len(data) + 1)
    end = at + rng.choice((1, 5, 50, 500))
    return data[:at] + data[at:end] * rng.choice((2, 3, 100)) + data[end:]


def _splice(data: bytes, seeds: Sequence[bytes], rng: random.Random) -> bytes:
    other = rng.choice(seeds)
    return data[: rng.randrange(len(data) + 1)] + other[rng.randrange(len(other) + 1) :]


def _swap_lines(data: bytes, seeds: Sequence[bytes], rng: random.Random) -> bytes:
    lines = data.splitlines(keepends=True)
    if len(lines) > 1:
        one, other = rng.randrange(len(lines)), rng.randrange(len(lines))
        lines[one], lines[other] = lines[other], lines[one]
    return b"".join(lines)


_ACCIDENTS = (_flip, _cut, _insert, _number, _number, _repeat, _splice, _swap_lines)


def main() -> int:
    """Fuzz all formats in turns; a file that breaks one is written down."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=10_000, help="files in all")
    parser.add_argument("--seed", type=int, default=None, help="of the random numbers")
    arguments = parser.parse_args()
    seed = arguments.seed if arguments.seed is not None else random.randrange(1 << 30)
    print(f"seed {seed}", flush=True)
    blocks()
    good = dict.fromkeys((form.name for form in FORMATS), 0)
    slowest_s = 0.0
    for form in FORMATS:
        share = arguments.count // len(FORMATS)
        for number, data in enumerate(mutants(form.seeds, share, random.Random(seed))):
            faulthandler.dump_traceback_later(_HANG_S, exit=True)
            try:
                begin_s = time.process_time()
                imported = read(form, data)
                seconds = time.process_time() - begin_s
                if imported is not None:
                    good[form.name] += 1
                    check_imported(imported, data)
                assert seconds < MAX_CPU_S, f"took {seconds:.2f} s"
                assert _peak_bytes() < MAX_BYTES, f"took {_peak_bytes() >> 20} MiB"
            except Exception as error:
                path = Path(f"fuzz-failure.{form.name}")
                path.write_bytes(data)
                print(f"{form.name} {number}: {error!r}; the file is {path.resolve()}")
                return 1
            slowest_s = max(slowest_s, seconds)
        faulthandler.cancel_dump_traceback_later()
        print(f"{form.name}: {share} files, {good[form.name]} of them imported", flush=True)
    print(f"slowest {slowest_s:.3f} s, {_peak_bytes() >> 20} MiB at most")
    return 0


def _peak_bytes() -> int:
    if sys.platform == "win32":
        return 0
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


if __name__ == "__main__":
    sys.exit(main())
