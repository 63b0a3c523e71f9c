"""Fuzzes MIDI: a message has no effect, or sets a value that is allowed, or causes an action.

As a program, this reads many messages:

    PYTHONPATH=tests python tests/unit/midi/fuzz.py --count 1000000
"""

import argparse
import random
import sys
from collections.abc import Iterator

from unit.midi.made_up_sound import KNOBS, Desk

from entrain.vdevice.bridge.midi.controls import Control, Controls
from entrain.vdevice.bridge.midi.learning import Learner
from entrain.vdevice.bridge.midi.mapping import Mapping

MAPPINGS = (
    Mapping(KNOBS, Control("cc", 0, 7), "tone.level_db"),
    Mapping(KNOBS, Control("cc", 1, 7), "tone.level_db", "offset"),
    Mapping(KNOBS, Control("cc", 0, 21), "tone.beat_hz", "twos", 60.0, -3.0),
    Mapping(KNOBS, Control("cc14", 1, 20), "tone.shape"),
    Mapping(KNOBS, Control("nrpn14", 0, 98 * 128 + 7), "tone.beat_hz"),
    Mapping(KNOBS, Control("bend", 0, 0), "tone.azimuth_deg", pickup=False),
    Mapping(KNOBS, Control("note", 0, 20), "bypass"),
)


def valid(chance: random.Random) -> list[int]:
    status = chance.choice([0x80, 0x90, 0xB0, 0xB0, 0xB0, 0xC0, 0xD0, 0xE0]) | chance.randrange(2)
    numbers = [6, 7, 20, 21, 38, 41, 52, 96, 97, 98, 99, 100, 101, 102, 103]
    data = [chance.choice(numbers), chance.randrange(128)]
    return [status, *(data[:1] if status >> 4 in (0xC, 0xD) else data)]


def mutated(message: list[int], chance: random.Random) -> list[int]:
    match chance.randrange(5):
        case 0:
            return message[: chance.randrange(len(message))]
        case 1:
            return message + [chance.randrange(256)] * chance.choice([1, 2, 3, 5000])
        case 2:
            return [chance.choice([-1, 128, 255, 256, 1 << 40]), *message[1:]]
        case 3:
            place = chance.randrange(len(message))
            return [*message[:place], chance.randrange(256), *message[place + 1 :]]
    return message[::-1]


def messages(chance: random.Random, count: int) -> Iterator[list[int]]:
    """Yield random, mutated and valid messages."""
    for _ in range(count):
        match chance.randrange(3):
            case 0:
                yield [chance.randrange(256) for _ in range(chance.randrange(6))]
            case 1:
                yield mutated(valid(chance), chance)
            case _:
                yield valid(chance)


def run(count: int, seed: int) -> tuple[int, int]:
    """Send messages; returns the numbers of values and of actions that they caused."""
    chance = random.Random(seed)
    desk = Desk(*MAPPINGS)
    heard, learner = Controls(), Learner(is_action=False)
    values = acts = 0
    for number, message in enumerate(messages(chance, count)):
        after_s = chance.choice([0.0, 0.001, 0.4])
        desk.send(*message, after_s=after_s)
        for movement in heard.read(message, after_s):
            learner.take(KNOBS, movement)
        if number % 50 == 0:
            learner.last()
            for shown in desk.shown():
                assert all(0 <= each <= 255 for each in shown), f"seed {seed}: {shown}"
        if number % 500 == 0:
            desk.surface.forget(KNOBS)
        for address, value in desk.path:
            described = desk.sound.parameter(address)
            assert described is not None
            assert described.minimum <= value <= described.maximum, f"seed {seed}: {address}"
        values, acts = values + len(desk.path), acts + len(desk.acts)
        desk.path.clear()
        desk.acts.clear()
    return values, acts


def main() -> int:
    """Fuzz with a random seed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=20_000, help="number of messages")
    parser.add_argument("--seed", type=int, default=None, help="seed of the random numbers")
    arguments = parser.parse_args()
    seed = arguments.seed if arguments.seed is not None else random.randrange(1 << 30)
    values, acts = run(arguments.count, seed)
    print(f"MIDI: seed {seed}, {arguments.count} messages: {values} values, {acts} actions")
    return 0


if __name__ == "__main__":
    sys.exit(main())
