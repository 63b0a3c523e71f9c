"""Fetches files of other projects from npm, for the dashboard's page and for its lint and tests.

Usage: python vendor/fetch.py page|lint|test [--print]

`manifest.json` names each package with its version, licence and hash, and each file with the hash
of its content.  The page's files go into build/vendor, all others into build/npm.  A file that lies
there with the right content is not fetched again, so a build works without a network from then on.
With `--print`, the program prints the paths of the files, one a line.  If a file cannot be fetched,
the program says why and ends with status 3.

The registry is npm's own, which the package packageurl-python knows, unless npm is configured
otherwise.  Neither npm nor node is needed.
"""

import base64
import hashlib
import hmac
import io
import json
import os
import platform
import re
import shutil
import sys
import tarfile
import urllib.request
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import urlsplit

MANIFEST = Path(__file__).with_name("manifest.json")
BUILD = Path(__file__).parents[1] / "build"
TIMEOUT_S = 30
LONGEST_BYTES = 50_000_000
"""Size of the largest tarball that is read."""

MACHINES = {"x86_64": "x64", "AMD64": "x64", "aarch64": "arm64", "arm64": "arm64"}

Package = Mapping[str, Any]


class Unavailable(Exception):
    """A package cannot be fetched, or is not what the manifest promises."""


def main() -> int:
    """Fetch the files for one use."""
    use, *options = sys.argv[1:]
    try:
        files = fetch(use)
    except Unavailable as error:
        print(f"vendor: {error}", file=sys.stderr)
        return 3
    if "--print" in options:
        print(*files, sep="\n")
    return 0


def packages() -> list[Package]:
    """Return the manifest's packages for this machine."""
    machine = f"{sys.platform}-{MACHINES.get(platform.machine(), platform.machine())}"
    everything = json.loads(MANIFEST.read_text(encoding="utf-8"))["packages"]
    return [each for each in everything if each.get("machine", machine) == machine]


def fetch(use: str, build: Path = BUILD) -> list[Path]:
    """Return the paths of all files for a use, and fetch missing and changed ones.

    Raises
    ------
    Unavailable
        If a file is missing and cannot be fetched.

    """
    folder = build / ("vendor" if use == "page" else "npm")
    paths = []
    for package in packages():
        wanted = [each for each in package.get("files", ()) if each["use"] == use]
        if any(not _matches(folder / each["to"], each["sha256"]) for each in wanted):
            content = dict(_members(_tarball(package)))
            for each in wanted:
                data = content.get(each["from"], b"")
                if hashlib.sha256(data).hexdigest() != each["sha256"]:
                    raise Unavailable(f"{package['name']}: {each['from']} differs from its hash")
                _write(folder / each["to"], data)
        paths += [folder / each["to"] for each in wanted]
        if package.get("use") == use:
            paths.append(_whole(package, folder))
    return paths


def _whole(package: Package, folder: Path) -> Path:
    """Unpack a whole package, unless this very package is there already; return its folder."""
    target = folder / package["folder"]
    mark = target / ".integrity"
    if not mark.is_file() or mark.read_text(encoding="utf-8") != package["integrity"]:
        content = _members(_tarball(package))
        shutil.rmtree(target, ignore_errors=True)
        for name, data in content:
            _write(target / name, data)
        (target / "lib/tsc").chmod(0o755)
        mark.write_text(package["integrity"], encoding="utf-8")
    return target


def _matches(path: Path, sha256: str) -> bool:
    return path.is_file() and hashlib.sha256(path.read_bytes()).hexdigest() == sha256


def _write(path: Path, data: bytes) -> None:
    """Write a file that is either whole or not there."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(path.name + ".partial")
    partial.write_bytes(data)
    partial.replace(path)


def _tarball(package: Package) -> bytes:
    """Fetch a package and check its hash."""
    name, version = package["name"], package["version"]
    address = _address(name, version)
    try:
        with urllib.request.urlopen(address, timeout=TIMEOUT_S) as answer:
            data: bytes = answer.read(LONGEST_BYTES)
    except (OSError, ValueError) as error:
        raise Unavailable(f"cannot fetch {name} {version}: {error}") from None
    algorithm, _, wanted = package["integrity"].partition("-")
    found = base64.b64encode(hashlib.new(algorithm, data).digest()).decode()
    if not hmac.compare_digest(found, wanted):
        raise Unavailable(f"the hash of {name} {version} differs from the manifest")
    return data


def _address(name: str, version: str) -> str:
    """Return the address of a package's tarball."""
    try:
        from packageurl import PackageURL
        from packageurl.contrib.purl2url import get_download_url
    except ImportError:
        raise Unavailable(f"cannot fetch {name} {version} without packageurl-python") from None
    scope, _, bare = name.rpartition("/")
    purl = PackageURL("npm", scope or None, bare, version).to_string()
    public = str(get_download_url(purl))
    configured = registry()
    return configured + urlsplit(public).path if configured else public


def _members(tarball: bytes) -> Iterator[tuple[str, bytes]]:
    """Return the regular files of a package: paths below its first folder, and contents."""
    with tarfile.open(fileobj=io.BytesIO(tarball), mode="r:gz") as archive:
        for member in archive:
            path = PurePosixPath(*PurePosixPath(member.name).parts[1:])
            if member.isfile() and not path.is_absolute() and ".." not in path.parts:
                opened = archive.extractfile(member)
                assert opened
                yield str(path), opened.read()


def registry(environment: Mapping[str, str] = os.environ) -> str:
    """Return the address of a registry that npm is told to use, or an empty string.

    npm reads its variable first, then its user's file.
    """
    lowered = {name.lower(): value for name, value in environment.items()}
    address = lowered.get("npm_config_registry", "")
    file = Path(lowered.get("npm_config_userconfig") or Path.home() / ".npmrc")
    if not address and file.is_file():
        found = re.findall(r"^\s*registry\s*=\s*(\S+)", file.read_text(encoding="utf-8"), re.M)
        address = found[-1] if found else ""
    return address.rstrip("/")


if __name__ == "__main__":
    sys.exit(main())
