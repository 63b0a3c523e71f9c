"""Two builds of the same sources give the same bytes, also in another folder."""

import hashlib
import os
import shutil
import subprocess
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_a_second_build_in_another_folder_gives_the_same_packages(source, wheel, tmp_path):
    epoch = subprocess.check_output(["git", "log", "-1", "--format=%ct"], cwd=ROOT, text=True)
    clone = tmp_path / "another clone"
    shutil.copytree(ROOT, clone, ignore=_left_out)
    (clone / "build").mkdir()
    for name in ("tools", "pack-tools", "vendor"):
        (clone / "build" / name).symlink_to(ROOT / "build" / name)

    done = subprocess.run(
        [clone / "packages/build", tmp_path / "dist"],
        env={**os.environ, "SOURCE_DATE_EPOCH": epoch.strip()},
        capture_output=True,
        text=True,
    )

    assert done.returncode == 0, done.stderr
    for first in (source, wheel):
        second = tmp_path / "dist" / first.name
        assert _digest(second) == _digest(first), first.name


def _left_out(folder: str, names: list[str]) -> list[str]:
    if Path(folder) == ROOT:
        return [name for name in names if name in (".venv", ".git", "build", "dist")]
    return [name for name in names if name in ("__pycache__",)]


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
