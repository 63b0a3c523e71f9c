"""`entrain verify` finds the effects in a sound, and only those."""

import functools
import json
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile
from click.testing import CliRunner
from matplotlib.text import Text
from measure import K_WEIGHTING, RATE_HZ, loudness_lufs, pink_noise
from scipy.signal import butter, freqz_sos, hilbert, sosfiltfilt

from entrain.tray.commands.cli import cli
from entrain.vdevice.verify.analyse import verify_file
from entrain.vdevice.verify.bands import index_of
from entrain.vdevice.verify.following import following
from entrain.vdevice.verify.plot import picture
from entrain.vdevice.verify.report import Interaural
from entrain.vdevice.verify.sound import BLOCK_FRAMES, VerifyError, load


@functools.cache
def pink(seconds: float, seed: int = 1):
    """Return pink noise for one ear, 0.1 RMS."""
    return pink_noise(seconds, seed=seed)[0].astype(float)


def turns(like, rate_hz):
    return 2 * np.pi * rate_hz * np.arange(like.shape[-1]) / RATE_HZ


def both(mono):
    return np.stack([mono, mono])


def modulated(mono, depth, rate_hz=16.0):
    return mono * (1 + depth * np.sin(turns(mono, rate_hz))) / np.sqrt(1 + depth**2 / 2)


def binaural(sound, carrier_hz=400.0, beat_hz=10.0, level_db=-15.0):
    amplitude = 0.1 * np.sqrt(2) * 10 ** (level_db / 20)
    ears = [carrier_hz + beat_hz / 2, carrier_hz - beat_hz / 2]
    return np.stack([sound + amplitude * np.sin(turns(sound, f)) for f in ears])


def turned(mono, phase):
    """Shift the phase, in radians: half of it ahead on the left, half behind on the right."""
    analytic = hilbert(mono)
    return np.stack([(analytic * np.exp(s * 0.5j * phase)).real for s in (1, -1)])


@pytest.fixture
def verify(tmp_path):
    def run(sound, rate_hz=RATE_HZ, **options):
        soundfile.write(tmp_path / "a.wav", np.asarray(sound).T, rate_hz, subtype="FLOAT")
        return verify_file(tmp_path / "a.wav", **options)[0]

    return run


def test_a_binaural_beat_under_noise_is_found(verify):
    report = verify(binaural(pink(10)))
    (pair,) = report.tones
    assert report.found == ("binaural-beat",)
    assert pair.left.hz == pytest.approx(405, abs=0.1)
    assert pair.right.hz == pytest.approx(395, abs=0.1)
    assert pair.beat_hz == pytest.approx(10, abs=0.01)
    assert report.level_db - pair.left.level_db == pytest.approx(15, abs=0.5)
    assert "a binaural beat of 10.00 Hz" in report.verdict[0]


def test_a_clean_beat_is_exact_and_its_sign_tells_the_higher_ear(verify):
    report = verify(binaural(np.zeros(RATE_HZ * 4), 300, -4.321))
    assert report.tones[0].beat_hz == pytest.approx(-4.321, abs=0.001)
    assert report.found == ("binaural-beat",)  # not a beat of the whole sound as well


def test_a_beat_that_glides_is_followed(verify):
    """The beat falls from 10 to 9.5 Hz within 10 s: by 3 Hz a minute."""
    time_s = np.arange(10 * RATE_HZ) / RATE_HZ
    phase = 2 * np.pi * (10 * time_s - 0.05 * time_s**2 / 2) / 2
    tone = [0.05 * np.sin(turns(time_s, 300) + s * phase) for s in (1, -1)]
    (pair,) = verify(np.stack(tone) + 0.1 * pink(10)).tones
    assert pair.beat_hz == pytest.approx(9.75, abs=0.01)
    glide = pair.left.drift_hz_per_min - pair.right.drift_hz_per_min
    assert glide == pytest.approx(-3, abs=0.3)


def test_tones_above_the_limit_of_the_ears_are_said_to_be(verify):
    assert "cannot compare" in verify(binaural(0.01 * pink(4), 2000)).verdict[0]


def test_the_depth_of_modulation_is_measured_where_it_is(verify):
    """The depth is 0.5 from 200 to 6000 Hz, and 0 an octave below."""
    middle = sosfiltfilt(butter(8, [200, 6000], "bandpass", fs=RATE_HZ, output="sos"), pink(12))
    report = verify(both(pink(12) - middle + modulated(middle, 0.5)))
    (swell,) = report.swells
    assert report.found == ("swell",)
    assert swell.rate_hz == pytest.approx(16, abs=0.01)
    assert swell.index == pytest.approx(0.5, abs=0.03)
    assert abs(swell.ears_deg) < 1
    for band in report.bands:
        if 630 <= band.centre_hz <= 4100:
            assert band.index == pytest.approx(0.5, abs=0.06)
            assert band.sure
        if band.centre_hz < 110:
            assert not band.sure
    assert 90 <= swell.still_below_hz <= 230


def test_a_band_narrower_than_the_rate_loses_nothing(verify):
    """At 100 Hz a third of an octave is 23 Hz wide, much less than the rate of 40 Hz."""
    bands = verify(both(modulated(pink(12), 0.5, 40))).bands
    measured = [b.index for b in bands if 90 < b.centre_hz < 400]
    assert np.mean(measured) == pytest.approx(0.5, abs=0.06)


@pytest.mark.parametrize("depth", [0.1, 0.5, 1.0])
def test_the_index_is_the_depth(depth):
    assert index_of(2 * depth / (1 + depth**2 / 2)) == pytest.approx(depth)


def test_swelling_in_turn_is_a_movement(verify):
    sound = np.stack([modulated(pink(4), m, 3.0) for m in (0.5, -0.5)])
    report = verify(sound)
    assert report.found == ("swell-between-ears",)
    assert report.swells[0].rate_hz == pytest.approx(3, abs=0.02)


def test_a_shifted_programme_turns_between_the_ears(verify):
    report = verify(turned(pink(4), turns(pink(4), 10)))
    assert report.found == ("programme-beat",)
    assert report.interaural.slope_hz == pytest.approx(10, abs=0.05)
    assert report.interaural.slope_coherence > 0.95
    assert report.interaural.coherence < 0.1


def test_a_swing_of_the_phase_is_measured(verify):
    report = verify(turned(pink(4), np.pi / 2 * np.sin(turns(pink(4), 10))))
    assert report.found == ("phase-swing",)
    assert report.interaural.swing_hz == pytest.approx(10, abs=0.02)
    assert report.interaural.swing_deg == pytest.approx(90, abs=3)


@pytest.mark.parametrize("right", [1, 2])
def test_nothing_is_found_in_noise(verify, right):
    """The noise is the same in both ears, or differs between them."""
    report = verify(np.stack([pink(4), pink(4, right)]))
    assert report.found == ()
    assert report.verdict[0].startswith("No entrainment found")
    assert not any(band.sure for band in report.bands)


def test_without_a_finding_it_says_which_rates_were_examined(verify, tmp_path):
    soundfile.write(tmp_path / "original.wav", both(pink(4)).T, RATE_HZ, subtype="FLOAT")

    everywhere = verify(both(pink(4)))
    original = tmp_path / "original.wav"
    at_9, _ = verify_file(tmp_path / "a.wav", rate_hz=9.0, against=original)

    assert "0.5 to 100 Hz" in everywhere.verdict[0]
    assert "no steady rhythm at 9.00 Hz," in at_9.verdict[0]
    assert "At 9.00 Hz neither of the two swells." in at_9.verdict


def test_what_the_original_has_as_well_is_no_entrainment(verify, tmp_path):
    rhythm = modulated(pink(4), 0.8, 2.0)
    soundfile.write(tmp_path / "original.wav", both(rhythm).T, RATE_HZ, subtype="FLOAT")
    late = np.concatenate([np.zeros(480), modulated(rhythm, 0.4)])[: len(rhythm)]

    report = verify(both(late), against=tmp_path / "original.wav")
    assert [(round(s.rate_hz), s.in_original) for s in report.swells[:2]] == [
        (16, False),
        (2, True),
    ]
    assert report.change.offset_s == pytest.approx(0.01, abs=1e-4)
    assert report.change.loudness_lu == pytest.approx(0, abs=0.1)
    assert report.change.correlation == pytest.approx(1 / np.sqrt(1 + 0.4**2 / 2), abs=0.02)
    (at_1k,) = [b for b in report.change.bands if round(b.centre_hz) == 1000]
    assert at_1k.index_change == pytest.approx(0.4, abs=0.06)

    same = verify(both(rhythm), against=tmp_path / "original.wav")
    assert same.found == ()
    assert "original" in same.verdict[0]


def test_a_louder_sound_is_louder_by_as_much(verify, tmp_path):
    soundfile.write(tmp_path / "original.wav", both(pink(3)).T, RATE_HZ, subtype="FLOAT")
    change = verify(2 * both(pink(3)), against=tmp_path / "original.wav").change
    assert change.loudness_lu == pytest.approx(20 * np.log10(2), abs=0.001)


@pytest.mark.parametrize("block", [4800, 20_571, BLOCK_FRAMES])
def test_loudness_is_that_of_the_standard(tmp_path, monkeypatch, block):
    """A 997 Hz sine at 0 dBFS in one ear is -3.01 LUFS (BS.1770), whatever the block size."""
    monkeypatch.setattr("entrain.vdevice.verify.sound.BLOCK_FRAMES", block)
    sine = np.sin(turns(np.zeros(3 * RATE_HZ), 997))
    soundfile.write(tmp_path / "a.wav", np.stack([sine, 0 * sine], 1), RATE_HZ, subtype="FLOAT")
    assert load(tmp_path / "a.wav").loudness_lufs == pytest.approx(-3.01, abs=0.02)


def test_what_is_below_the_gates_does_not_count(tmp_path):
    """Sound 20 LU below the rest, and silence, are left out of the loudness."""
    sound = np.concatenate([pink_noise(4), pink_noise(4, 0.01), np.zeros((2, 4 * RATE_HZ))], 1)
    soundfile.write(tmp_path / "a.wav", sound.T, RATE_HZ, subtype="FLOAT")
    measured_lufs = load(tmp_path / "a.wav").loudness_lufs
    assert measured_lufs == pytest.approx(loudness_lufs(sound), abs=0.005)


@pytest.mark.parametrize(
    ("rate_hz", "within_db"),
    [(1000, 0.3), (4000, 0.3), (44_100, 0.1), (48_000, 0.1), (192_000, 0.1), (384_000, 0.1)],
)
@pytest.mark.parametrize("hz", [100, 1000, 5000])
def test_loudness_is_weighted_alike_at_every_rate(tmp_path, rate_hz, within_db, hz):
    """The weights follow the standard's table for 48 kHz, also at rates that the engine refuses.

    The standard's high-pass is not normalised: its gain is 0.04 dB at 48 kHz, 0.26 dB at 8 kHz.
    """
    hz = min(hz, rate_hz // 4)
    ear = 0.1 * np.sin(2 * np.pi * hz * np.arange(2 * rate_hz) / rate_hz)
    soundfile.write(tmp_path / "a.wav", ear, rate_hz, subtype="FLOAT")
    _, weight = freqz_sos(K_WEIGHTING, [hz], fs=RATE_HZ)
    expected_lufs = -0.691 + 20 * np.log10(0.1 * abs(weight[0]))
    assert load(tmp_path / "a.wav").loudness_lufs == pytest.approx(expected_lufs, abs=within_db)


def model(sound, rate_hz=10.0):
    return following(np.asarray(sound, "f4"), RATE_HZ, [rate_hz])[0]


def test_the_model_ranks_as_hearing_does():
    tone = 0.1 * np.sin(turns(np.zeros(3 * RATE_HZ), 400))
    silent = np.zeros(3 * RATE_HZ)
    beats = [model(binaural(silent, carrier)).mso for carrier in (400, 700, 1000, 1300)]
    assert beats == pytest.approx([1.02, 0.74, 0.07, 0.005], abs=0.03)
    efr = [model(both(modulated(tone, m, 10.0))).efr for m in (1, 0.5, 0.25, 0.1)]
    assert efr == pytest.approx([0.53, 0.21, 0.10, 0.04], abs=0.02)
    assert model(binaural(silent)).efr < 0.01
    noise = model(both(pink(3)))
    assert noise.efr < 0.03
    assert noise.mso < 0.07
    under = model(binaural(pink(3)))
    assert under.mso > 1.5 * under.mso_floor


@pytest.mark.parametrize(
    ("sound", "said"),
    [
        (np.zeros((2, 3 * RATE_HZ)), "Silence"),
        (np.full((2, 3 * RATE_HZ), np.nan), "Silence"),
        (np.ones((2, 100)), "Too short"),
        (np.zeros((2, 0)), "Too short"),
        (np.full((2, 3 * RATE_HZ), 1e38), "No entrainment found"),
        (np.eye(1, 3 * RATE_HZ, 50_000), "No entrainment found"),
    ],
)
def test_odd_files_have_an_answer_and_no_odd_numbers(verify, sound, said):
    report = verify(sound)
    assert report.verdict[0].startswith(said)
    json.loads(report.model_dump_json(), parse_constant=pytest.fail)


def test_mono_cannot_beat_between_the_ears(verify):
    report = verify(modulated(pink(4), 0.5))
    assert report.interaural is None
    assert "mono" in " ".join(report.verdict)
    assert report.swells[0].index == pytest.approx(0.5, abs=0.06)


def test_of_a_long_file_the_middle_is_looked_at_unless_told(tmp_path):
    ramp = np.repeat(np.arange(10.0) / 10, 8000)
    soundfile.write(tmp_path / "a.wav", ramp, 8000, subtype="FLOAT")
    sound = load(tmp_path / "a.wav", seconds=2)
    assert (sound.start_s, sound.seconds, sound.total_s) == (4, 2, 10)
    np.testing.assert_allclose(sound.samples, np.repeat([[0.4, 0.5]], 8000, 1).repeat(2, 0))
    assert load(tmp_path / "a.wav", 7.5).seconds == 2.5
    with pytest.raises(VerifyError, match=r"ends after 10\.0 s"):
        load(tmp_path / "a.wav", 10)


def test_fast_sample_rates_are_brought_down(tmp_path):
    soundfile.write(tmp_path / "a.wav", np.zeros(192_000 * 2), 192_000)
    sound = load(tmp_path / "a.wav")
    assert (sound.rate_hz, sound.file_rate_hz, sound.samples.shape) == (
        48_000,
        192_000,
        (2, 96_000),
    )


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("missing.wav", "missing.wav: No such file"),
        ("text.wav", "text.wav: "),
        ("six.wav", "6 channels; only mono and stereo"),
    ],
)
def test_what_cannot_be_read_is_one_line(tmp_path, name, said):
    (tmp_path / "text.wav").write_text("no sound")
    soundfile.write(tmp_path / "six.wav", np.zeros((10, 6)), RATE_HZ)
    result = CliRunner().invoke(cli, ["verify", str(tmp_path / name)])
    assert result.exit_code == 1
    assert result.stderr.count("\n") == 1
    assert said in result.stderr


def test_the_command_prints_text_json_and_draws(tmp_path):
    path, picture = tmp_path / "a $ b.flac", tmp_path / "picture.png"
    soundfile.write(path, binaural(pink(3)).T, RATE_HZ)
    run = functools.partial(CliRunner().invoke, cli, catch_exceptions=False)

    text = run(["verify", str(path), "--plot", str(picture)])
    assert text.exit_code == 0, text.stderr
    assert "a binaural beat of 10.0" in text.stdout
    assert picture.read_bytes().startswith(b"\x89PNG")

    answer = json.loads(run(["verify", str(path), "--rate", "10", "--json"]).stdout)
    assert answer["found"] == ["binaural-beat"]
    assert answer["rate_hz"] == 10
    assert answer["tones"][0]["beat_hz"] == pytest.approx(10, abs=0.05)
    assert [f["rate_hz"] for f in answer["following"]] == [10]

    refused = run(["verify", str(path), "--plot", str(tmp_path / "no" / "folder.png")])
    assert (refused.exit_code, refused.stderr.count("\n")) == (1, 1)
    assert run(["verify", str(path), "--rate", "nan"]).exit_code == 2


def test_a_picture_is_of_the_kind_that_its_name_ends_in(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    soundfile.write("a.wav", pink(2).T, RATE_HZ)
    beginnings = {"a.jpg": b"\xff\xd8\xff", "a.svg": b"<?xml", "a.PDF": b"%PDF-", "a": b"\x89PNG"}
    for name, beginning in beginnings.items():
        for _ in range(2):  # the second plot replaces the first one
            result = CliRunner().invoke(cli, ["verify", "a.wav", "--plot", name])
            assert result.exit_code == 0, result.stderr
            assert Path(name).read_bytes().startswith(beginning)


def test_no_text_of_a_picture_is_cut_off_and_none_contradicts_the_line(tmp_path):
    beat = {"slope_hz": 9.97, "slope_coherence": 0.9}
    path = tmp_path / ("a very long name $ " * 12 + "its end.wav")
    soundfile.write(path, binaural(pink(3)).T, RATE_HZ)
    report, curves = verify_file(path)
    assert curves is not None
    wandering = Interaural(coherence=0.1)
    turning = np.array([0.0, 3000.0])
    still = replace(curves, phase_s=np.array([0.0, 1.0]), phase_deg=np.zeros(2))
    cases = (
        (report, curves, "(dashed): the beat"),
        (report.model_copy(update={"tones": (), "interaural": wandering}), still, "by chance"),
        (
            report.model_copy(
                update={"tones": (), "interaural": Interaural(coherence=0.9, **beat)}
            ),
            curves,
            "The sound turns 9.97 times (dashed)",
        ),
    )
    for some, of, said in cases:
        figure = picture(some, of)
        figure.draw_without_rendering()
        texts = [text for text in figure.findobj(Text) if text.get_text() and text.get_visible()]
        assert any(said in text.get_text() for text in texts), said
        for text in texts:
            box = text.get_window_extent()
            assert box.x0 >= 0, text
            assert box.x1 <= figure.bbox.width, text
    steps_s = np.linspace(0, 1, 200)
    turns = replace(curves, phase_s=steps_s, phase_deg=np.interp(steps_s, (0, 1), turning) % 360)
    figure = picture(cases[1][0], turns)
    assert any("not steadily enough" in text.get_text() for text in figure.findobj(Text))


def test_a_picture_is_drawn_of_silence_too(tmp_path):
    soundfile.write(tmp_path / "a.wav", np.zeros((RATE_HZ, 2)), RATE_HZ)
    picture = tmp_path / "picture.png"
    result = CliRunner().invoke(cli, ["verify", str(tmp_path / "a.wav"), "--plot", str(picture)])
    assert result.exit_code == 0
    assert picture.stat().st_size > 1000


@pytest.mark.parametrize("package", ["scipy", "matplotlib"])
def test_without_its_packages_it_says_how_to_install_them(package, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, package, None)
    for name in [name for name in sys.modules if name.startswith("entrain.vdevice.verify.")]:
        monkeypatch.delitem(sys.modules, name)
    ran = CliRunner().invoke(cli, ["verify", "no.wav", "--plot", str(tmp_path / "no.png")])
    assert ran.exit_code == 1
    assert f"{sys.executable} -m pip install scipy matplotlib" in ran.stderr
    assert list(tmp_path.iterdir()) == []
