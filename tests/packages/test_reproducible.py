"""A build of the source distribution, in another folder, gives the same bytes again."""

import hashlib
import os
import subprocess
import tarfile
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_the_source_distribution_builds_itself_and_the_same_wheel(source, wheel, tmp_path):
    with tarfile.open(source) as archive:
        archive.extractall(tmp_path, filter="data")
        epoch = archive.getmembers()[0].mtime
    clone = tmp_path / source.name.removesuffix(".tar.gz")
    for name in ("tools", "pack-tools"):
        (clone / "build" / name).symlink_to(ROOT / "build" / name)

    done = subprocess.run(
        [clone / "packages/build", tmp_path / "dist"],
        env={**os.environ, "SOURCE_DATE_EPOCH": str(int(epoch))},
        capture_output=True,
        text=True,
        timeout=1800,
    )

    assert done.returncode == 0, done.stderr
    for first in (source, wheel):
        assert _digest(tmp_path / "dist" / first.name) == _digest(first), first.name


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
