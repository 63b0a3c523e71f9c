"""`entrain render`: a file in, a file out, with the engine's samples."""

import numpy as np
import pytest
import soundfile

from entrain.engine import Engine
from entrain.vdevice.offline.render import BLOCK_FRAMES, render_file
from entrain.vdevice.offline.sound_writer import RenderError
from entrain.vdevice.protocol.spec import from_specs
from entrain.vdevice.session.chain import Chain

TONE = from_specs(["binaural:carrier_hz=400,beat_hz=10,floor_db=-20,ceiling_db=-20"])
NOTHING = from_specs([])
NOISE = (np.random.default_rng(1).standard_normal((3 * BLOCK_FRAMES + 17, 2)) * 0.1).astype("f4")


@pytest.fixture
def source(tmp_path):
    path = tmp_path / "in.wav"
    soundfile.write(path, NOISE, 48_000, subtype="FLOAT")
    return path


def test_rendered_and_live_samples_are_identical(source, tmp_path):
    render_file(source, tmp_path / "out.wav", TONE)

    with Engine() as engine:
        Chain(engine).use(TONE)
        latency = engine.latency_frames
        padded = np.concatenate([NOISE, np.zeros((latency, 2), "f4")]).T.copy()
        live = [engine.process(np.ascontiguousarray(b)) for b in np.array_split(padded, 777, 1)]
    rendered, _ = soundfile.read(tmp_path / "out.wav", dtype="float32")
    np.testing.assert_array_equal(rendered, np.concatenate(live, 1).T[latency:])


@pytest.mark.parametrize("frames", [0, 1, 50, 100, BLOCK_FRAMES, BLOCK_FRAMES + 1])
def test_the_result_is_as_long_as_the_source_and_not_late(tmp_path, frames):
    soundfile.write(tmp_path / "in.wav", NOISE[:frames], 48_000, subtype="FLOAT")
    summary = render_file(tmp_path / "in.wav", tmp_path / "out.wav", NOTHING)
    out, rate_hz = soundfile.read(tmp_path / "out.wav", dtype="float32", always_2d=True)
    np.testing.assert_array_equal(out, NOISE[:frames])
    assert (summary.frames, summary.rate_hz, rate_hz) == (frames, 48_000, 48_000)


def test_mono_comes_out_on_both_ears(tmp_path):
    soundfile.write(tmp_path / "in.wav", NOISE[:, 0], 44_100, subtype="FLOAT")
    render_file(tmp_path / "in.wav", tmp_path / "out.wav", NOTHING)
    out, _ = soundfile.read(tmp_path / "out.wav", dtype="float32")
    np.testing.assert_array_equal(out, np.repeat(NOISE[:, :1], 2, 1))


@pytest.mark.parametrize(("ending", "subtype"), [("flac", "PCM_24"), ("ogg", "VORBIS")])
def test_the_ending_chooses_the_format(tmp_path, ending, subtype):
    soundfile.write(tmp_path / "in.wav", NOISE, 48_000, subtype="PCM_24")
    render_file(tmp_path / "in.wav", tmp_path / f"out.{ending}", TONE)
    assert soundfile.info(tmp_path / f"out.{ending}").subtype == subtype


def test_progress_ends_with_all_frames(source, tmp_path):
    seen = []
    render_file(source, tmp_path / "out.wav", TONE, lambda done, total: seen.append((done, total)))
    assert seen[-1] == (len(NOISE), len(NOISE))
    assert len(seen) == 4


@pytest.mark.parametrize(
    ("source_name", "destination_name", "said"),
    [
        ("missing.wav", "out.wav", "missing.wav: No such file"),
        ("text.wav", "out.wav", "text.wav: "),
        ("in.wav", "out.nonsense", "unknown suffix"),
        ("in.wav", "no/such/folder/out.wav", "No such file or directory"),
        ("in.wav", "in.wav", "choose another name"),
        ("nine.wav", "out.wav", "9 channels; at most 8"),
    ],
)
def test_what_cannot_be_done_is_one_line_and_leaves_nothing(
    source, tmp_path, source_name, destination_name, said
):
    (tmp_path / "text.wav").write_text("no sound")
    soundfile.write(tmp_path / "nine.wav", np.zeros((10, 9)), 48_000)
    before = {path: path.read_bytes() for path in tmp_path.iterdir()}

    with pytest.raises(RenderError) as error:
        render_file(tmp_path / source_name, tmp_path / destination_name, TONE)

    assert said in str(error.value)
    assert "\n" not in str(error.value)
    assert {path: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_more_than_two_channels_are_folded_down(tmp_path):
    """As in ITU-R BS.775: centre and surround at -3 dB, no LFE."""
    frames = 4800
    for channels, at, left, right in [
        (1, 0, 1, 1),
        (2, 1, 0, 1),
        (6, 0, 1, 0),
        (6, 2, 0.5**0.5, 0.5**0.5),
        (6, 3, 0, 0),
        (6, 4, 0.5**0.5, 0),
        (8, 7, 0, 0.5**0.5),
    ]:
        sound = np.zeros((frames, channels), np.float32)
        sound[:, at] = 0.25 * np.sin(2 * np.pi * 1000 * np.arange(frames) / 48_000)
        source, destination = tmp_path / "many.wav", tmp_path / "two.wav"
        soundfile.write(source, sound, 48_000, subtype="FLOAT")
        render_file(source, destination, from_specs([]))
        folded, _ = soundfile.read(destination, dtype="float32")
        np.testing.assert_allclose(folded[:, 0], left * sound[:, at], atol=1e-7)
        np.testing.assert_allclose(folded[:, 1], right * sound[:, at], atol=1e-7)
