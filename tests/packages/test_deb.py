"""The Debian package, as Debian's own checker sees it."""

import subprocess
from pathlib import Path

import pytest
from needs import skip_without_programs

MAX_BYTES = 60_000_000


@pytest.fixture(scope="module")
def content(deb: Path) -> dict[str, str]:
    """Return the permissions of each file of the package, by path."""
    listing = subprocess.check_output(["dpkg-deb", "--contents", deb], text=True)
    rows = [line.split(maxsplit=5) for line in listing.splitlines()]
    return {row[5].partition(" -> ")[0]: row[0] for row in rows}


def test_lintian_finds_nothing_without_a_reason(deb):
    skip_without_programs("lintian")

    done = subprocess.run(
        [
            *("lintian", "--allow-root", "--tag-display-limit=0"),
            *("--fail-on=error,warning", deb),
        ],
        capture_output=True,
        text=True,
        timeout=900,
    )

    assert done.returncode == 0, done.stdout


def test_it_stays_small(deb):
    assert deb.stat().st_size <= MAX_BYTES


def test_what_makes_it_a_part_of_the_system_is_inside(content):
    for path in (
        "usr/bin/entrain",
        "usr/lib/systemd/user/entrain.service",
        "usr/share/applications/org.entrain.Entrain.desktop",
        "usr/share/bash-completion/completions/entrain",
        "usr/share/icons/hicolor/scalable/apps/org.entrain.Entrain.svg",
        "usr/share/man/man1/entrain.1.gz",
        "usr/share/metainfo/org.entrain.Entrain.metainfo.xml",
    ):
        assert f"./{path}" in content


def test_nothing_starts_by_itself(content):
    assert not [path for path in content if ".wants/" in path or path.startswith("./etc/")]


def test_the_libraries_of_back_ends_are_only_recommended(deb):
    def field(name: str) -> str:
        return subprocess.check_output(["dpkg-deb", "--field", deb, name], text=True)

    assert "libsamplerate0" in field("Depends")
    assert "libstdc++6" in field("Depends")
    assert "libpipewire" not in field("Depends")
    assert "libpulse" not in field("Depends")
    assert "libpipewire-0.3-0" in field("Recommends")
    assert "libpulse0" in field("Recommends")


def test_no_script_of_the_package_knows_homes(deb, tmp_path):
    subprocess.run(["dpkg-deb", "--control", deb, tmp_path], check=True)
    for script in ("postinst", "prerm"):
        text = (tmp_path / script).read_text()
        assert not [word for word in ("/home", "HOME", "~", "/root") if word in text], script
