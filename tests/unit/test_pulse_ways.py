"""PulseAudio's streams that carry a sink's sound on; tests/device has a real server."""

from types import SimpleNamespace

from entrain.platform.pulse_ways import find_ways
from entrain.ways import Way

NONE = 0xFFFFFFFF
LETS_PROGRAMS_IN = 9
SPEAKERS, MIX, ENTRAIN = 1, 2, 3


class Server:
    """pulsectl's view of a server with speakers, a virtual sink and Entrain."""

    def __init__(self):
        self.inputs, self.outputs, self.modules = [], [], []
        self.sinks = [sink(SPEAKERS, "speakers", 4), sink(MIX, "mix"), sink(ENTRAIN, "entrain")]

    def sink_list(self):
        return self.sinks

    def sink_input_list(self):
        return self.inputs

    def source_output_list(self):
        return self.outputs

    def module_list(self):
        return self.modules

    def plays(self, index, to, module=LETS_PROGRAMS_IN, client=NONE):
        stream = SimpleNamespace(index=index, sink=to, owner_module=module, client=client)
        stream.proplist, stream.name = {"media.name": "sound"}, "sound"
        self.inputs.append(stream)

    def records(self, sink, module=LETS_PROGRAMS_IN, client=NONE):
        source = 10 + sink
        self.outputs.append(SimpleNamespace(source=source, owner_module=module, client=client))

    def loaded(self, index, argument):
        self.modules.append(SimpleNamespace(index=index, argument=argument))

    def ways(self):
        return find_ways(self, "entrain")


def sink(index, name, flags=0):
    return SimpleNamespace(
        index=index, name=name, flags=flags, monitor_source=10 + index, owner_module=20 + index
    )


def test_programs_that_record_and_others_that_play_have_nothing_to_do_with_each_other():
    server = Server()
    server.records(MIX, client=50)
    server.plays(1, ENTRAIN, client=51)

    assert server.ways() == []


def test_a_filter_is_the_module_of_its_sink_and_its_stream():
    server = Server()
    server.plays(1, ENTRAIN, module=20 + MIX)
    server.plays(2, SPEAKERS, module=33)

    assert server.ways() == [Way("mix", "entrain", 1, "sound", movable=True)]


def test_a_loopback_is_the_module_of_its_two_streams():
    server = Server()
    server.records(MIX, module=33)
    server.plays(1, SPEAKERS, module=33)

    assert server.ways() == [Way("mix", "speakers", 1, "sound", movable=True)]


def test_who_has_named_its_device_is_not_moved():
    server = Server()
    server.plays(1, ENTRAIN, module=20 + MIX)
    server.loaded(20 + MIX, "sink_name=mix master=entrain")

    assert server.ways() == [Way("mix", "entrain", 1, "sound")]


def test_a_name_of_ones_own_is_no_target():
    server = Server()
    server.plays(1, ENTRAIN, module=20 + MIX)
    server.loaded(20 + MIX, "sink_name=mix")

    assert server.ways() == [Way("mix", "entrain", 1, "sound", movable=True)]


def test_a_program_may_carry_on_what_is_played_to_a_virtual_sink():
    server = Server()
    server.records(MIX, client=50)
    server.records(SPEAKERS, client=51)  # as an app that shares the sound in a call
    server.plays(1, ENTRAIN, client=50)
    server.plays(2, ENTRAIN, client=51)

    assert server.ways() == [Way("mix", "entrain", 1, "sound", movable=True)]
