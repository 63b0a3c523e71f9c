"""`entrain render` and `verify` with files of every format, complete or damaged."""

import contextlib
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile

from entrain.vdevice.offline.render import render_file
from entrain.vdevice.offline.sound_writer import RenderError
from entrain.vdevice.protocol.spec import from_specs
from entrain.vdevice.verify.analyse import verify_file
from entrain.vdevice.verify.sound import VerifyError

SOAK = os.environ.get("ENTRAIN_SOAK") == "1"
NOTHING = from_specs([])
ENTRAIN = (sys.executable, "-m", "entrain.tray")


def tone(seconds: float, rate_hz: int, channels: int) -> np.ndarray:
    at_s = np.arange(round(seconds * rate_hz)) / rate_hz
    return np.repeat(0.25 * np.sin(2 * np.pi * 440 * at_s)[:, None], channels, 1)


def write(folder: Path, kind: str, subtype: str, endian: str = "FILE") -> Path | None:
    """Write half a second in stereo, or in mono at 8 or 16 kHz if the format needs it."""
    for channels, rate_hz in ((2, 48_000), (1, 8_000), (1, 16_000)):
        path = folder / f"{kind}-{subtype}-{endian}.{kind.lower()}"
        try:
            soundfile.write(path, tone(0.5, rate_hz, channels), rate_hz, subtype, endian, kind)
        except (soundfile.LibsndfileError, ValueError):
            path.unlink(missing_ok=True)
        else:
            return path
    return None


READABLE = [
    (kind, subtype)
    for kind in soundfile.available_formats()
    for subtype in soundfile.available_subtypes(kind)
    # a .raw file does not describe its content, and half of an SD2 file lies in another file
    if kind not in ("RAW", "SD2")
]
MP3_RATES = (8_000, 11_025, 12_000, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000)
WRITABLE = sorted(
    soundfile.available_formats().keys()
    # only mono
    - {"HTK", "SVX", "SDS", "WVE", "XI"}
    # in two files
    - {"SD2"}
)


def test_every_format_that_is_read_becomes_a_wav(tmp_path):
    """Formats such as GSM, DWVW and MP3, which stereo WAV files cannot have, work as well."""
    tried = 0
    for kind, subtype in READABLE:
        both = SOAK and kind in ("WAV", "AIFF", "CAF", "AU")
        for endian in ("LITTLE", "BIG") if both else ("FILE",):
            source = write(tmp_path, kind, subtype, endian)
            if source is None:
                continue
            summary = render_file(source, tmp_path / "out.wav", NOTHING)
            assert summary.warnings == (), source.name
            with soundfile.SoundFile(tmp_path / "out.wav") as result:
                assert result.channels == 2
                # ADPCM pads the last block
                assert 0 <= result.frames - summary.frames < 2048, source.name
                level_db = 20 * np.log10(0.25 / np.sqrt(2))
                assert summary.in_db == pytest.approx(level_db, abs=1.5), source.name
            tried += 1
    assert tried > 100


@pytest.mark.parametrize("rate_hz", [44_100, 96_000] if SOAK else [48_000])
def test_a_wav_becomes_every_format_that_is_written(tmp_path, rate_hz):
    for subtype in soundfile.available_subtypes("WAV") if SOAK else ("PCM_16", "FLOAT"):
        source = tmp_path / "in.wav"
        try:
            soundfile.write(source, tone(0.5, rate_hz, 2), rate_hz, subtype)
        except soundfile.LibsndfileError:
            continue
        for kind in WRITABLE:
            if kind == "MP3" and rate_hz > 48_000:
                continue
            out = tmp_path / f"out.{kind.lower()}"
            summary = render_file(source, out, NOTHING, force=kind == "RAW")  # any file may be RAW
            if kind != "RAW":
                assert abs(soundfile.info(out).frames - summary.frames) < 2048, (kind, subtype)
                assert soundfile.info(out).channels == 2


@pytest.mark.skipif(not SOAK, reason="ENTRAIN_SOAK=1: every format to every other one")
def test_every_format_becomes_every_other_one(tmp_path):
    for kind, subtype in READABLE:
        source = write(tmp_path, kind, subtype)
        for ending in WRITABLE if source else ():
            assert source
            refused = (
                pytest.raises(RenderError, match="cannot hold stereo at")
                if ending == "MP3" and soundfile.info(source).samplerate not in MP3_RATES
                else contextlib.nullcontext()
            )
            with refused:
                out = tmp_path / f"out.{ending.lower()}"
                render_file(source, out, NOTHING, force=ending == "RAW")


@pytest.mark.parametrize("ending", ["htk", "svx", "sds", "wve", "xi", "sd2", "mp3"])
def test_a_format_that_cannot_hold_it_is_one_line(tmp_path, ending):
    soundfile.write(tmp_path / "in.wav", tone(0.1, 96_000, 2), 96_000)
    with pytest.raises(
        RenderError, match=rf"out\.{ending}: (the format cannot hold stereo at|unknown suffix)"
    ):
        render_file(tmp_path / "in.wav", tmp_path / f"out.{ending}", NOTHING)
    assert sorted(os.listdir(tmp_path)) == ["in.wav"]


# ---- damaged files -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "subtype"),
    [
        *(("WAV", "PCM_16"), ("WAV", "FLOAT"), ("AIFF", "PCM_24"), ("AU", "PCM_16")),
        *(("W64", "PCM_16"), ("RF64", "PCM_16"), ("FLAC", "PCM_16"), ("FLAC", "PCM_24")),
        *(("OGG", "VORBIS"), ("OGG", "OPUS"), ("MP3", "MPEG_LAYER_III"), ("SVX", "PCM_16")),
    ],
)
def test_of_a_file_cut_off_what_is_there_is_processed_and_it_is_said(tmp_path, kind, subtype):
    whole = write(tmp_path, kind, subtype)
    rate_hz = soundfile.info(whole).samplerate
    soundfile.write(
        whole, tone(4, rate_hz, soundfile.info(whole).channels), rate_hz, subtype, format=kind
    )
    assert render_file(whole, tmp_path / "out.wav", NOTHING).warnings == ()
    content = whole.read_bytes()
    whole.write_bytes(content[: len(content) * 6 // 10])

    summary = render_file(whole, tmp_path / "out.wav", NOTHING)

    assert len(summary.warnings) == 1
    assert f"cut off: {summary.seconds:.1f} s" in summary.warnings[0]
    assert 1 < summary.seconds < 3.5
    assert soundfile.info(tmp_path / "out.wav").frames == summary.frames
    report, _ = verify_file(whole)
    assert "cut off" in report.notes[0]


def test_a_length_that_nobody_knew_is_no_damage(tmp_path):
    """Programs that write to a pipe put the greatest possible length into the header."""
    path = tmp_path / "piped.wav"
    soundfile.write(path, tone(1, 48_000, 2), 48_000)
    content = bytearray(path.read_bytes())
    data = content.index(b"data")
    for size in (b"\xff\xff\xff\xff", b"\x00\xf0\xff\x7f"):
        content[4:8] = content[data + 4 : data + 8] = size
        path.write_bytes(content)
        summary = render_file(path, tmp_path / "out.wav", NOTHING)
        assert (summary.frames, summary.warnings) == (48_000, ())


def test_an_mp3_without_a_table_is_not_called_cut_off(tmp_path):
    """The library estimates the length from the first second, here silent: far too long."""
    sound = np.random.default_rng(1).standard_normal((20 * 48_000, 2)) * 0.1
    sound[: 10 * 48_000] *= 1e-4
    path = tmp_path / "a.mp3"
    soundfile.write(path, sound, 48_000, compression_level=0.5, bitrate_mode="VARIABLE")
    content = path.read_bytes()
    path.write_bytes(content[content.index(b"\xff\xfb", 100) :])
    assert soundfile.info(path).duration > 30

    summary = render_file(path, tmp_path / "out.wav", NOTHING)

    assert summary.seconds == pytest.approx(20, abs=0.1)
    assert summary.warnings == ()


def test_what_is_no_number_is_silence_and_counted(tmp_path):
    sound = tone(1, 48_000, 2)
    sound[100, 0], sound[200, 1], sound[300] = np.nan, np.inf, -np.inf
    soundfile.write(tmp_path / "in.wav", sound, 48_000, "FLOAT")

    summary = render_file(tmp_path / "in.wav", tmp_path / "out.wav", NOTHING)

    sound[~np.isfinite(sound)] = 0
    out, _ = soundfile.read(tmp_path / "out.wav")
    np.testing.assert_allclose(out, sound, atol=1e-6)
    assert summary.warnings == ("4 samples are not a number; silence replaces it",)


# ---- surroundings --------------------------------------------------------------------------


@pytest.mark.parametrize("rate_hz", [1, 999, 7_999, 192_001, 10_000_000])
def test_rates_that_nobody_uses_are_one_line_with_the_name(tmp_path, rate_hz):
    path = tmp_path / "odd.wav"
    soundfile.write(path, np.zeros((100, 2)), rate_hz)
    with pytest.raises(
        RenderError, match=rf"odd\.wav: has a sample rate of {rate_hz} Hz; supported"
    ):
        render_file(path, tmp_path / "out.wav", NOTHING)
    assert not (tmp_path / "out.wav").exists()
    if 1_000 <= rate_hz <= 1_000_000:
        verify_file(path)
    else:
        with pytest.raises(VerifyError, match=r"odd\.wav: has a sample rate of"):
            verify_file(path)


@pytest.mark.parametrize("channels", [0, 9, 200, 1024])
def test_numbers_of_channels_that_nobody_has(tmp_path, channels):
    path = tmp_path / "many.wav"
    soundfile.write(path, np.zeros((10, max(1, channels))), 48_000)
    if channels == 0:
        content = bytearray(path.read_bytes())
        content[22:24] = b"\0\0"
        path.write_bytes(content)
    for use, error in ((render_file, RenderError), (verify_file, VerifyError)):
        rest = (tmp_path / "out.wav", NOTHING) if use is render_file else ()
        with pytest.raises(error, match=r"many\.wav: ") as caught:
            use(path, *rest)
        assert "\n" not in str(caught.value)


@pytest.mark.parametrize("frames", [0, 1])
def test_hardly_any_sound_is_no_error(tmp_path, frames):
    soundfile.write(tmp_path / "in.wav", np.zeros((frames, 2)), 48_000)
    for ending in ("wav", "flac", "ogg", "mp3", "opus"):
        summary = render_file(tmp_path / "in.wav", tmp_path / f"out.{ending}", NOTHING)
        assert (summary.frames, summary.warnings) == (frames, ())
    assert "Too short" in verify_file(tmp_path / "in.wav")[0].verdict[0]


def test_a_pipe_a_device_and_a_folder_are_no_sound_files(tmp_path):
    os.mkfifo(tmp_path / "pipe.wav")
    (tmp_path / "folder.wav").mkdir()
    for source, what in (
        (tmp_path / "pipe.wav", "is a pipe or a device, not a file"),
        (Path("/dev/zero"), "is a pipe or a device, not a file"),
        (tmp_path / "folder.wav", "is a folder, not a file"),
    ):
        with pytest.raises(RenderError, match=f"{source.name}: {what}"):
            render_file(source, tmp_path / "out.wav", NOTHING)
        with pytest.raises(VerifyError, match=f"{source.name}: {what}"):
            verify_file(source)


def test_names_that_are_not_utf_8(tmp_path):
    source = Path(os.fsdecode(os.fsencode(tmp_path) + b"/k\xfcnstlich.wav"))
    out = Path(os.fsdecode(os.fsencode(tmp_path) + b"/\xfcber.flac"))
    with soundfile.SoundFile(os.fsencode(source), "w", 48_000, 2, format="WAV") as file:
        file.write(tone(3, 48_000, 2))

    done = subprocess.run(
        [*ENTRAIN, "render", os.fsencode(source), os.fsencode(out)], capture_output=True, check=True
    )
    assert b"\\udcfcber.flac: 3.0 s at 48000 Hz" in done.stdout
    assert done.stderr == b""
    report, _ = verify_file(out)
    assert json.loads(report.model_dump_json())["file"].endswith("\\udcfcber.flac")
    source.unlink()
    with pytest.raises(RenderError, match=r"k\\udcfcnstlich\.wav: No such file$"):
        render_file(source, out, NOTHING)
