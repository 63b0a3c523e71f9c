"""Analyses a file and combines the findings."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from entrain.vdevice.protocol.user_folder import shown
from entrain.vdevice.verify import words
from entrain.vdevice.verify.bands import depths
from entrain.vdevice.verify.compare import REACH_S, align, change
from entrain.vdevice.verify.ears import interaural, phase_over_a_second
from entrain.vdevice.verify.envelope import Envelope, envelope
from entrain.vdevice.verify.following import following
from entrain.vdevice.verify.report import BandDepth, Interaural, Pair, VerifyReport
from entrain.vdevice.verify.sound import Sound, load
from entrain.vdevice.verify.spectrum import Real, Spectrum
from entrain.vdevice.verify.swell import STEPS, swell_at
from entrain.vdevice.verify.tones import pairs, tones

SHORTEST_S = 2.0
_SILENT_DB = -90.0

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Curves:
    """Data for the picture only."""

    envelope: Envelope
    phase_s: Real
    phase_deg: Real
    phase_of: str
    """Frequency range of the phase."""


def verify_file(
    path: Path,
    against: Path | None = None,
    rate_hz: float | None = None,
    start_s: float | None = None,
    progress: Progress | None = None,
) -> tuple[VerifyReport, Curves | None]:
    """Measure the entrainment in a sound file; memory does not grow with its length.

    Loudness is measured on the whole file; everything else on a section of one minute.

    Parameters
    ----------
    path : Path
        Mono or stereo, any format that libsndfile reads.
    against : Path, optional
        The original from which `path` was made.
    rate_hz : float, optional
        The rate to examine, 0.5 to 100 Hz; by default the rate is searched.
    start_s : float, optional
        Where the section begins; by default it lies in the middle.
    progress : callable, optional
        Called with the finished work and the total work.

    Returns
    -------
    VerifyReport
    Curves or None
        None if there is nothing to draw: silence, or less than two seconds.

    Raises
    ------
    VerifyError
        A file cannot be read; the text is one line that names it.

    """
    files = 1 if against is None else 2
    total = 1000 * files + 100 * STEPS

    def reading(number: int) -> Progress | None:
        if progress is None:
            return None
        tell = progress
        return lambda done, frames: tell(1000 * number + 1000 * done // max(frames, 1), total)

    def step(number: int) -> None:
        if progress:
            progress(1000 * files + 100 * number, total)

    sound = load(path, start_s, progress=reading(0))
    original = None
    if against is not None:
        first_s = max(0.0, sound.start_s - REACH_S)
        original = load(against, first_s, sound.seconds + 2 * REACH_S, reading(1))
    report, curves = _analyse(
        sound, original, shown(path), shown(against) if against else None, rate_hz, step
    )
    named = [(path, sound.warnings)] + (
        [(against, original.warnings)] if against and original else []
    )
    warnings = tuple(f"{shown(name)}: {line}" for name, lines in named for line in lines)
    return report.model_copy(update={"notes": warnings + report.notes}), curves


def _analyse(
    sound: Sound,
    original: Sound | None,
    name: str,
    original_name: str | None,
    asked_hz: float | None,
    step: Callable[[int], None],
) -> tuple[VerifyReport, Curves | None]:
    power = float(np.mean(np.square(sound.samples, dtype=np.float64))) if sound.seconds else 0.0
    level_db = float(10 * np.log10(power)) if power > 0 else None
    about = VerifyReport(
        file=name,
        against=original_name,
        sample_rate_hz=sound.file_rate_hz,
        channels=sound.channels,
        seconds=sound.total_s,
        section_start_s=sound.start_s,
        section_s=sound.seconds,
        loudness_lufs=sound.loudness_lufs,
        level_db=level_db,
        rate_hz=asked_hz,
        bands_rate_hz=None,
        found=(),
        tones=(),
        swells=(),
        interaural=None,
        bands=(),
        following=(),
        change=None,
        verdict=(),
        notes=(words.NOT_A_BRAIN,),
    )
    if sound.seconds < SHORTEST_S:
        text = f"Too short to measure: {sound.seconds:.2f} s; needed are {SHORTEST_S:.0f} s."
        return about.model_copy(update={"verdict": (text,)}), None
    if level_db is None or level_db < _SILENT_DB:
        return about.model_copy(
            update={"verdict": ("Silence: there is nothing to measure.",)}
        ), None

    spectrum = Spectrum(sound.samples, sound.rate_hz)
    aligned = align(sound, original) if original else None
    before = envelope(Spectrum(aligned[0], sound.rate_hz)) if aligned else None
    swelling = envelope(spectrum, before)
    step(1)
    both = sound.channels == 2
    matched = pairs(*tones(sound.samples, sound.rate_hz, spectrum)) if both else []
    step(2)
    between = _interaural(spectrum, matched) if both else None
    if between and between.swing_hz is not None and not between.of_tones:
        swing_hz = between.swing_hz  # a swing gives steady tones sidebands at its multiples
        matched = [p for p in matched if not _multiple(abs(p.beat_hz), swing_hz)]
    step(3)

    bands_at: dict[float, tuple[BandDepth, ...]] = {}
    swells = []
    for line_hz in (asked_hz,) if asked_hz else swelling.lines_hz:
        bands_at[line_hz] = tuple(depths(sound.samples, sound.rate_hz, line_hz))
        then = depths(aligned[0], sound.rate_hz, line_hz) if aligned else None
        if found := swell_at(bands_at[line_hz], line_hz, then):
            swells.append(found)
    swells.sort(key=lambda found: bool(found.in_original))
    step(4)
    rates = [abs(p.beat_hz) for p in matched]
    if between and not between.of_tones:
        rates += [abs(r) for r in (between.slope_hz, between.swing_hz) if r is not None]
    rates += [found.rate_hz for found in swells]
    model = following(sound.samples, sound.rate_hz, [asked_hz] if asked_hz else _distinct(rates))
    step(5)
    # Without a finding, the highest peak of the noise shows what noise looks like.
    highest_hz = float(swelling.rates_hz[int(np.argmax(swelling.ratio))])
    shown_hz = asked_hz or next((s.rate_hz for s in swells), next(iter(rates), highest_hz))
    bands = bands_at.get(shown_hz) or tuple(depths(sound.samples, sound.rate_hz, shown_hz))
    changed = change(sound, original, aligned, shown_hz, bands) if original and aligned else None
    step(STEPS)

    report = about.model_copy(
        update={
            "rate_hz": asked_hz or next(iter(rates), None),
            "bands_rate_hz": shown_hz,
            "tones": tuple(matched),
            "swells": tuple(swells),
            "interaural": between,
            "bands": bands,
            "following": tuple(model),
            "change": changed,
        }
    )
    return _judged(report), _curves(spectrum, swelling, matched)


def _judged(report: VerifyReport) -> VerifyReport:
    found, lines, notes = [], [], [words.NOT_A_BRAIN]
    if report.tones:
        found.append("binaural-beat")
        lines += [words.pair(pair, report.level_db) for pair in report.tones]
    between = report.interaural
    if between and between.slope_hz is not None and not between.of_tones:
        found.append("programme-beat")
        lines.append(words.own_beat(between))
    if between and between.swing_hz is not None and not between.of_tones:
        found.append("phase-swing")
        lines.append(words.phase_swing(between))
    for swell in report.swells:
        if not swell.in_original:
            found.append("swell-between-ears" if abs(swell.ears_deg) > 120 else "swell")
        lines.append(words.swell(swell))
    if report.swells and report.change is None:
        notes.insert(0, words.OWN_RHYTHM)
    if not found:  # then the user has asked for any rate
        lines.insert(0, words.NOTHING_ADDED if report.swells else words.nothing(report.rate_hz))
    if report.channels == 1:
        lines.append("The file is mono: nothing can beat between the ears.")
    lines += [words.following(model) for model in report.following]
    if report.change:
        lines += words.change(report.change, report.bands_rate_hz, swells=bool(report.swells))
    return report.model_copy(
        update={
            "found": tuple(dict.fromkeys(found)),
            "verdict": tuple(lines),
            "notes": tuple(notes),
        }
    )


def _interaural(spectrum: Spectrum, matched: Sequence[Pair]) -> Interaural | None:
    """Measure the sound without the tones that were found, or with them if little else is left."""
    if not matched:
        return interaural(spectrum)
    half_s = spectrum.section_s / 2
    holes = [
        (tone.hz - reach, tone.hz + reach)
        for pair in matched
        for tone in (pair.left, pair.right)
        for reach in (2 + abs(tone.drift_hz_per_min) / 60 * half_s,)
    ]
    rest = spectrum.without(holes)
    if rest.power(150, 1300) < 0.02 * spectrum.power(150, 1300):
        measured = interaural(spectrum)
        return measured and measured.model_copy(update={"of_tones": True})
    measured = interaural(rest)
    if measured and measured.swing_hz is not None:
        swing_hz = measured.swing_hz
        if any(abs(abs(pair.beat_hz) - swing_hz) < 0.1 for pair in matched):  # leaked from tones
            return Interaural(coherence=measured.coherence)
    return measured


def _multiple(beat_hz: float, rate_hz: float) -> bool:
    times = round(beat_hz / rate_hz)
    return times >= 2 and abs(beat_hz - times * rate_hz) < 0.05


def _distinct(rates_hz: Sequence[float]) -> list[float]:
    kept: list[float] = []
    for rate in rates_hz:
        if all(abs(rate - other) > 0.05 for other in kept):
            kept.append(rate)
    return kept[:4]


def _curves(spectrum: Spectrum, swelling: Envelope, matched: Sequence[Pair]) -> Curves:
    if matched:
        middle_hz, half_hz = matched[0].carrier_hz, abs(matched[0].beat_hz) / 2 + 4
        phase = phase_over_a_second(spectrum, middle_hz - half_hz, middle_hz + half_hz)
        return Curves(swelling, *phase, f"around {matched[0].carrier_hz:.0f} Hz")
    return Curves(swelling, *phase_over_a_second(spectrum), "150–1300 Hz")
