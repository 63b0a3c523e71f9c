"""Broken SOFA files, in bulk; `make fuzz` reads many more."""

import subprocess
import sys
from pathlib import Path


def test_300_broken_files_are_refused_with_a_clear_line_or_become_heads(tmp_path):
    program = Path(__file__).with_name("fuzz.py")
    done = subprocess.run(
        [sys.executable, program, "--count", "300", "--seed", "1"],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=280,
        check=False,
    )
    print(done.stdout)
    assert done.returncode == 0, done.stdout[-3000:]
    assert "300 files" in done.stdout
    assert " 0 crashes" in done.stdout
