"""Fuzzes the reading of SOFA files: a broken file is refused with a clear line, or becomes a head.

    python tests/unit/hrtf/fuzz.py --count 20000

A process of its own reads the files one after the other, under the preparation's limit of memory.
If a file crashes it, or lets HDF5 loop without end, this is counted and another process goes on:
the limits of the preparation end such a process in the app, too.
"""

import argparse
import faulthandler
import os
import random
import signal
import subprocess
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import sofa_files

from entrain.vdevice.hrtf import head_file
from entrain.vdevice.hrtf.errors import HrtfError
from entrain.vdevice.hrtf.preparation import worker
from entrain.vdevice.hrtf.preparation.prepare import prepare
from entrain.vdevice.hrtf.preparation.sources import aligned

MAX_CPU_S = 10.0
"""Longest time for one file, in seconds of processor time; then SIGPROF ends the process."""
BATCH = 1000
PREPARE_EVERY = 40
"""Every 40th file that can be read is prepared, too."""


def seeds(folder: Path) -> list[bytes]:
    """Write small files of several forms; return their contents, and those in `ENTRAIN_SOFA`."""
    found = []
    for name in ("usual", "cartesian", "radian", "delays-per-direction", "masked"):
        form = sofa_files.READ[name]()
        few = slice(0, 97, 8)
        delays = form.delays
        small = replace(
            form,
            azimuths_deg=form.azimuths_deg[few],
            elevations_deg=form.elevations_deg[few],
            responses=form.responses[few, :, :48],
            delays=delays[few] if delays is not None and len(delays) > 1 else delays,
        )
        found.append(sofa_files.write(small, folder / "seed.sofa").read_bytes())
    if more := os.environ.get("ENTRAIN_SOFA"):
        paths = sorted(Path(more).glob("*.sofa"))
        found += [path.read_bytes() for path in paths if path.stat().st_size < 120_000]
    return found


def mutant(seeds_: list[bytes], path: Path, rng: random.Random) -> Path:
    """Write one broken file."""
    if rng.random() < 0.4:
        return sofa_files.write(_odd_form(rng), path)
    data = bytearray(rng.choice(seeds_))
    for _ in range(rng.choice((1, 1, 1, 2, 4, 16, 64))):
        # Metadata is where it hurts, and most of it is at the beginning.
        place = rng.randrange(min(len(data), rng.choice((512, 2048, 16_384, len(data)))))
        byte = data[place]
        data[place] = rng.choice((0, 255, rng.randrange(256), byte ^ (1 << rng.randrange(8))))
    if rng.random() < 0.1:
        del data[rng.randrange(len(data)) :]
    path.write_bytes(data)
    return path


_ODD_NUMBERS = (0.0, -0.0, 1e-320, 1e-30, 1e30, 1e308, -1e308, float("inf"), float("nan"), 2.0**31)
_ODD_TEXTS = ("", "\n", "degree", "metre", "radian", "\x1b[2J", "spherical", "ü" * 300, ", ,")
_ARRAYS = ("azimuths_deg", "elevations_deg", "responses", "delays")
_TEXTS = ("kind", "units", "rate_units", "convention")
_FORMS = [*sofa_files.READ.values(), *(make for make, _ in sofa_files.REFUSED.values())]


def _odd_form(rng: random.Random) -> sofa_files.Form:
    """Return a file whose structure is whole and whose content is not."""
    form = rng.choice(_FORMS)()
    for _ in range(rng.choice((1, 1, 2, 3))):
        field = rng.choice((*_ARRAYS, "texts", "rate"))
        if field == "rate":
            form = replace(form, rate=rng.choice((*_ODD_NUMBERS, 8000.0, 192_000.0, 44.1)))
        elif field == "texts":
            form = replace(form, **{rng.choice(_TEXTS): rng.choice(_ODD_TEXTS)})
        elif (values := getattr(form, field)) is not None:
            values = np.array(values, float)
            count = rng.choice((1, 2, 50, values.size))
            places = np.random.default_rng(rng.getrandbits(32)).integers(values.size, size=count)
            values.flat[places] = rng.choice(_ODD_NUMBERS)
            form = replace(form, **{field: values})
    name, value = rng.choice(("Title", "DataType", "License")), rng.choice((*_ODD_TEXTS, 3, 2.5))
    return replace(form, attributes={name: value}) if rng.random() < 0.2 else form


def check(path: Path, *, with_head: bool) -> bool:
    """Read one file; assert that it is a head or is refused with a clear line."""
    try:
        found = aligned(str(path))
    except HrtfError as refused:
        require_clear(str(refused), path.name)
        return False
    assert np.isfinite(found.magnitudes).all()
    assert np.isfinite(found.arrivals_s).all()
    assert all(note.isprintable() for note in found.notes)
    if not with_head:
        return True
    try:
        head = prepare(found)
    except HrtfError as refused:  # the worker puts the file's name before it
        require_clear(f"{path.name} {refused}", path.name)
        return False
    head_file.write(path.with_suffix(".head"), head.counts, head.arrays)
    head_file.check(path.with_suffix(".head"))
    return True


def require_clear(line: str, name: str) -> None:
    """Assert that a refusal names the file and can be read."""
    assert line.startswith(name), line
    assert line.isprintable(), line
    assert len(line) < 400, line


def read_batch(seed: int, begin: int, end: int, folder: Path) -> None:
    """Read the files of one batch; print the number of each before it, then the result."""
    worker.limit(cpu_s=3600)
    faulthandler.register(signal.SIGPROF, chain=True)  # show where it hangs
    contents = seeds(folder)
    good = 0
    for number in range(begin, end):
        # A name of its own: HDF5 may keep a broken file open.
        with np.errstate(all="ignore"):
            path = mutant(contents, folder / f"{number}.sofa", random.Random(f"{seed} {number}"))
        print(number, flush=True)
        signal.setitimer(signal.ITIMER_PROF, MAX_CPU_S)
        with np.errstate(all="ignore"):
            good += check(path, with_head=good % PREPARE_EVERY == 0)
        path.unlink()
    print(f"good {good}", flush=True)


def main(arguments: list[str]) -> int:
    """Fuzz in batches; keep the file of a failure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=None)
    parser.add_argument("--batch", type=int, nargs=2, metavar=("BEGIN", "END"))
    parser.add_argument("--folder", type=Path)
    options = parser.parse_args(arguments)
    if options.batch:
        read_batch(options.seed, *options.batch, options.folder)
        return 0
    seed = options.seed if options.seed is not None else random.randrange(1 << 30)
    print(f"seed {seed}", flush=True)
    good = crashes = hangs = number = 0
    with tempfile.TemporaryDirectory(prefix="entrain-fuzz-") as name:
        folder = Path(name)
        while number < options.count:
            end = min(options.count, number + BATCH)
            command = [sys.executable, __file__, "--seed", str(seed), "--folder", name]
            process = subprocess.Popen(
                [*command, "--batch", str(number), str(end)],
                stdout=subprocess.PIPE,
                stderr=(folder / "stderr").open("wb"),
            )
            last = number
            assert process.stdout is not None
            for line in process.stdout:
                if line.startswith(b"good "):
                    good += int(line.split()[1])
                    last = end
                else:
                    last = int(line)
            status = process.wait()
            if status == 0:
                number = end
            else:
                kept = Path(f"fuzz-failure-{last}.sofa")
                kept.write_bytes((folder / f"{last}.sofa").read_bytes())
                print(f"file {last}: status {status}; the file is {kept.resolve()}", flush=True)
                trace = (folder / "stderr").read_text(encoding="utf-8", errors="replace")
                in_hdf5 = "SOFANcFile.py" in trace.partition("\n")[2].partition("\n")[0]
                if status > 0 or (status == -signal.SIGPROF and not in_hdf5):
                    print(trace)
                    return 1
                hangs += status == -signal.SIGPROF
                crashes += status != -signal.SIGPROF
                number = last + 1
    print(f"{options.count} files, {good} of them read, {crashes} crashes, {hangs} loops in HDF5")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
