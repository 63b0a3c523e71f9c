"""Self-measurement finds the promises of a protocol in the engine's output."""

import numpy as np
import pytest
from scipy.signal import lfilter

from entrain.engine import Engine
from entrain.errors import EngineError
from entrain.readings import Promise
from entrain.vdevice.api.measured import SelfMeasurement
from entrain.vdevice.protocol.spec import from_specs
from entrain.vdevice.session.chain import Chain

RATE_HZ = 48_000


def pink(seconds):
    """Return pink noise, about -20 dBFS, different in each ear (P. Kellet's filter)."""
    white = np.random.default_rng(9).standard_normal((2, round(seconds * RATE_HZ)))
    b, a = [0.049922, -0.095993, 0.050612, -0.004408], [1, -2.494956, 2.017265, -0.522189]
    return np.float32(lfilter(b, a, white))


def looked_at(specs, seconds=4, bypass=False, rate_hz=RATE_HZ):
    """Run layers over pink noise; return the app's measurement after each second."""
    reports = []
    with Engine(rate_hz) as engine:
        chain = Chain(engine)
        chain.use(from_specs(specs))
        engine.bypass = bypass
        for second in np.split(pink(seconds), seconds, 1):
            for block in np.split(second, 100, 1):
                engine.process(np.ascontiguousarray(block))
            measurement = SelfMeasurement(
                engine
            )  # a new one each time, since it would wait half a second
            reports.append(measurement.look(chain.layers()))
    return reports


def test_a_binaural_beat_is_found_under_pink_noise():
    *_, measured = looked_at(["binaural:carrier_hz=400,beat_hz=10"])
    assert measured.tones.left_hz == pytest.approx(405, abs=0.01)
    assert measured.tones.right_hz == pytest.approx(395, abs=0.01)
    assert measured.tones.beat_hz == pytest.approx(10, abs=0.001)
    assert measured.tones.beat_error_hz < 0.001
    assert measured.text.startswith("10.000 Hz between 405.00 Hz (left)")


@pytest.mark.parametrize(("carrier_hz", "beat_hz"), [(110, 190), (4000, -200), (19_900, 150)])
def test_wide_beats_and_high_carriers_are_measured(carrier_hz, beat_hz):
    *_, measured = looked_at([f"binaural:carrier_hz={carrier_hz},beat_hz={beat_hz}"])
    assert measured.tones.left_hz == pytest.approx(carrier_hz + beat_hz / 2, abs=0.01)
    assert measured.tones.beat_hz == pytest.approx(beat_hz, abs=0.01)


def test_tones_that_the_rate_cannot_hold_are_told_and_tones_that_nobody_hears():
    *_, measured = looked_at(["binaural:carrier_hz=20000,beat_hz=0"], rate_hz=44_100)
    assert measured.text == "no tones: 20000 Hz is too high for 44100 Hz, the rate of the device"
    *_, measured = looked_at(["binaural:carrier_hz=8,beat_hz=1"])
    assert measured.text == "tones below 10 Hz, which are not measured"


def test_a_modulated_input_has_the_index_it_was_given():
    *_, measured = looked_at(["am:rate_hz=16,depth=0.5"])
    assert measured.modulation.rate_hz == pytest.approx(16, abs=0.01)
    assert measured.modulation.left_index == pytest.approx(0.5, abs=0.03)
    assert measured.modulation.right_index == pytest.approx(0.5, abs=0.03)
    assert measured.modulation.floor < 0.05
    assert measured.text == "16.00 Hz swelling, index 0.50"


def test_a_self_binaural_input_turns_between_the_ears():
    *_, measured = looked_at(["selfbinaural:beat_hz=10"])
    assert measured.interaural.hz == pytest.approx(10, abs=0.05)


def test_a_negative_beat_keeps_its_sign_but_nothing_turns_a_negative_number_of_times():
    *_, measured = looked_at(["selfbinaural:beat_hz=-10"])
    assert measured.interaural.hz == pytest.approx(-10, abs=0.05)
    turns = abs(measured.interaural.hz)
    assert measured.text == f"the music turns {turns:.2f} times a second between the ears"


def test_both_at_once_are_told_apart():
    *_, measured = looked_at(["am:rate_hz=16,depth=0.5", "binaural:carrier_hz=400,beat_hz=10"], 8)
    assert measured.modulation.left_index == pytest.approx(0.5, abs=0.04)
    assert measured.tones.beat_hz == pytest.approx(10, abs=0.05)


def test_in_bypass_there_is_nothing_of_it():
    *_, measured = looked_at(["am:rate_hz=16,depth=0.5", "binaural"], bypass=True)
    assert measured.tones is None
    assert measured.modulation.left_index < 0.02
    assert "no tones" in measured.text


def test_what_promises_nothing_and_what_is_too_short_are_not_measured():
    assert looked_at(["noise"]) == [None] * 4
    first, second, *_ = looked_at(["am"])
    assert first is None
    assert second is not None
    with Engine() as engine, pytest.raises(EngineError, match="measurement"):
        engine.measure(Promise(modulation_hz=16.0))


def test_at_another_sample_rate_nothing_is_measured_in_what_was_before():
    """A measurement agrees with the setting, or is still missing."""
    with Engine(RATE_HZ) as engine:
        chain = Chain(engine)
        chain.use(from_specs(["binaural:carrier_hz=400,beat_hz=10,floor_db=-20,ceiling_db=-20"]))
        engine.set_standalone(True)
        texts = []
        for rate_hz in (48_000, 96_000, 44_100):
            engine.rate_hz = rate_hz
            for _ in range(20):
                engine.process(np.zeros((2, rate_hz // 10), np.float32))
                if measured := SelfMeasurement(engine).look(chain.layers()):
                    texts.append(measured.text)

    assert len(texts) > 20
    assert set(texts) <= {
        f"{beat} Hz between 405.00 Hz (left) and 395.00 Hz (right)"
        for beat in ("10.0", "10.00", "10.000")
    }
