"""Other projects' files in the page: the ones in the manifest, unchanged, with their licences."""

import base64
import gzip
import hashlib
import http.server
import importlib.util
import io
import json
import tarfile
import threading
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

import entrain

ROOT = Path(__file__).parents[2]
INSTALLED = Path(entrain.__file__).parent / "tray/dashboard/page/vendor"
PERMISSIVE = {"MIT", "Apache-2.0", "BSD-3-Clause", "ISC"}


def load_fetch() -> ModuleType:
    """Return `vendor/fetch.py`, which is not installed."""
    spec = importlib.util.spec_from_file_location("fetch", ROOT / "vendor/fetch.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def manifest() -> list[dict[str, Any]]:
    packages = json.loads((ROOT / "vendor/manifest.json").read_text(encoding="utf-8"))["packages"]
    return list(packages)


def test_the_installed_files_are_those_in_the_manifest():
    wanted = {
        file["to"]: file["sha256"]
        for package in manifest()
        for file in package.get("files", ())
        if file["use"] == "page"
    }
    assert len(wanted) >= 4
    assert {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in INSTALLED.iterdir()
    } == wanted


def test_a_package_in_the_page_has_a_permissive_licence_and_brings_its_text():
    for package in manifest():
        page = [each for each in package.get("files", ()) if each["use"] == "page"]
        if page:
            assert package["licence"] in PERMISSIVE, package["name"]
            assert any("LICENSE" in each["to"] for each in page), package["name"]


@pytest.fixture
def fetch(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> ModuleType:
    """`vendor/fetch.py` with a manifest of one package of one file."""
    fetch = load_fetch()
    monkeypatch.setattr(fetch, "MANIFEST", tmp_path / "manifest.json")
    monkeypatch.setenv("npm_config_registry", "http://127.0.0.1:9")
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    return fetch


def tarball(content: bytes) -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        member = tarfile.TarInfo("package/dist/a.js")
        member.size = len(content)
        archive.addfile(member, io.BytesIO(content))
    return gzip.compress(packed.getvalue())


def write_manifest(fetch: ModuleType, content: bytes, archive: bytes) -> None:
    package = {
        "name": "@some/one",
        "version": "1.2.3",
        "integrity": "sha512-" + base64.b64encode(hashlib.sha512(archive).digest()).decode(),
        "files": [
            {
                "from": "dist/a.js",
                "to": "a.js",
                "use": "page",
                "sha256": hashlib.sha256(content).hexdigest(),
            }
        ],
    }
    fetch.MANIFEST.write_text(json.dumps({"packages": [package]}))


@pytest.fixture
def registry(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, bytes]]:
    """A registry on this machine: contents by path."""
    contents: dict[str, bytes] = {}

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            found = contents.get(self.path)
            self.send_response(200 if found else 404)
            self.end_headers()
            self.wfile.write(found or b"")

        def log_message(self, *_: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        monkeypatch.setenv("npm_config_registry", f"http://127.0.0.1:{server.server_port}/")
        yield contents
        server.shutdown()
        thread.join()


def test_a_package_comes_from_the_configured_registry_and_only_once(fetch, registry, tmp_path):
    archive = tarball(b"let a;")
    write_manifest(fetch, b"let a;", archive)
    registry["/@some/one/-/one-1.2.3.tgz"] = archive

    assert fetch.fetch("page", tmp_path) == [tmp_path / "vendor/a.js"]
    assert (tmp_path / "vendor/a.js").read_bytes() == b"let a;"

    registry.clear()
    assert fetch.fetch("page", tmp_path) == [tmp_path / "vendor/a.js"]


def test_a_changed_copy_is_fetched_again(fetch, registry, tmp_path):
    archive = tarball(b"let a;")
    write_manifest(fetch, b"let a;", archive)
    registry["/@some/one/-/one-1.2.3.tgz"] = archive
    fetch.fetch("page", tmp_path)
    (tmp_path / "vendor/a.js").write_text("let b;")

    fetch.fetch("page", tmp_path)

    assert (tmp_path / "vendor/a.js").read_bytes() == b"let a;"


def test_a_package_with_another_hash_is_refused(fetch, registry, tmp_path):
    write_manifest(fetch, b"let a;", tarball(b"let a;"))
    registry["/@some/one/-/one-1.2.3.tgz"] = tarball(b"let a;") + b"\0"

    with pytest.raises(fetch.Unavailable, match="hash of @some/one"):
        fetch.fetch("page", tmp_path)

    assert not (tmp_path / "vendor").exists()


def test_without_a_network_it_says_what_it_cannot_fetch(fetch, tmp_path):
    write_manifest(fetch, b"let a;", tarball(b"let a;"))

    with pytest.raises(fetch.Unavailable, match=r"cannot fetch @some/one 1\.2\.3: "):
        fetch.fetch("page", tmp_path)


def test_the_registry_is_npms_setting(fetch, tmp_path):
    file = tmp_path / "npmrc"
    file.write_text("fund=false\nregistry = https://mirror.example/npm/\n")

    assert fetch.registry({"NPM_CONFIG_USERCONFIG": str(file)}) == "https://mirror.example/npm"
    assert (
        fetch.registry({"npm_config_registry": "http://a/", "NPM_CONFIG_USERCONFIG": str(file)})
        == "http://a"
    )
    assert fetch.registry({"NPM_CONFIG_USERCONFIG": str(tmp_path / "none")}) == ""
