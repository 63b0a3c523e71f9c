"""OSC packets: every type, bundles, and packets that are cut short or hostile."""

import struct

import pytest
from osc_packets import bundle, message, text

from entrain.vdevice.bridge.osc_reader import (
    MAX_DEPTH,
    MAX_MESSAGES,
    MAX_PACKET_BYTES,
    MalformedPacket,
    Message,
    read_packet,
)


def test_numbers_and_texts_are_arguments():
    packet = message("/a", 1.5, -7, "Head")

    assert read_packet(packet) == [Message("/a", (1.5, -7.0, "Head"))]


def test_all_types_of_osc_are_passed_over_or_read():
    tags = ",ifdhsSbtcrmTFNI[i]"
    body = struct.pack(">ifdq", 1, 2.0, 3.0, 4) + text("s") + text("S")
    body += struct.pack(">i", 3) + b"abc\0" + bytes(8) + bytes(4) + bytes(4) + bytes(4)
    body += struct.pack(">i", 9)

    (found,) = read_packet(text("/all") + text(tags) + body)

    assert found.arguments == (1.0, 2.0, 3.0, 4.0, "s", "S", 1.0, 0.0, 9.0)


def test_bundles_hold_messages_and_bundles():
    one, two, three = (message(f"/{name}", 1.0) for name in "abc")

    packet = bundle(one, bundle(two, bundle()), three)

    assert [each.address for each in read_packet(packet)] == ["/a", "/b", "/c"]


def nested(depth: int) -> bytes:
    packet = message("/a")
    for _ in range(depth):
        packet = bundle(packet)
    return packet


@pytest.mark.parametrize(
    "packet",
    [
        b"",
        b"\0\0\0\0",
        b"/ypr",
        b"ypr\0,\0\0\0",
        text("/a") + text("f"),
        text("/a") + text(",f"),
        text("/a") + text(",f") + b"\0\0\0",
        text("/a") + text(",s") + b"abcd",
        text("/a") + text(",x"),
        text("/a") + text(",b") + struct.pack(">i", 2**31 - 1),
        text("/a") + text(",b") + struct.pack(">i", -8),
        message("/a", 1.0) + b"\0\0\0\0",
        b"#bundle\0",
        bundle()[:-1],
        bundle() + struct.pack(">i", 0),
        bundle() + struct.pack(">i", -4),
        bundle() + struct.pack(">i", 3) + b"/a\0\0",
        bundle() + struct.pack(">i", 400) + message("/a"),
        nested(MAX_DEPTH + 1),
        bundle(*[message("/a")] * (MAX_MESSAGES + 1)),
        text("/a") + text(",") + bytes(MAX_PACKET_BYTES),
    ],
    ids=range(21),
)
def test_what_is_no_osc_is_malformed(packet):
    with pytest.raises(MalformedPacket):
        read_packet(packet)


def test_the_longest_packet_is_read():
    assert len(read_packet(nested(MAX_DEPTH))) == 1
    assert len(read_packet(bundle(*[message("/a")] * MAX_MESSAGES))) == MAX_MESSAGES
