"""`make install` works without the clone; `make uninstall` leaves only the user's own files."""

import os
import shutil
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import platformdirs
import pytest

CLONE = Path(__file__).parents[1]

AUTOSTART = "[Desktop Entry]\nType=Application\nName=Entrain\nTryExec={0}\nExec={0}\n"


class User:
    """A user who has a few files already, and a clone with a built wheel in it."""

    def __init__(self, folder: Path) -> None:
        self.home = folder / "home"
        self.clone = folder / "clone of entrain"
        self.runtime = folder / "runtime"
        self.data = self.home / ".local/share/entrain"
        self.command = self.home / ".local/bin/entrain"
        self.autostart = self.home / ".config/autostart/org.entrain.Entrain.desktop"
        for file in (".bashrc", ".config/other/settings", ".local/bin/other"):
            (self.home / file).parent.mkdir(parents=True, exist_ok=True)
            (self.home / file).write_text(file)
        self.runtime.mkdir(mode=0o700)
        shutil.copytree(CLONE / ".ci", self.clone / ".ci")
        shutil.copytree(CLONE / "build/wheel", self.clone / "build/wheel")
        (self.wheel,) = (self.clone / "build/wheel").glob("entrain-*.whl")
        kept = ("PATH", "LANG", "PYTHON", "PIP_", "SSL_", "HTTP", "http", "NO_PROXY", "no_proxy")
        self.environment = {k: v for k, v in os.environ.items() if k.startswith(kept)} | {
            "HOME": str(self.home),
            "XDG_RUNTIME_DIR": str(self.runtime),
            # The caches of pip and of its tools lie outside of the checked home folder.
            "RUSTUP_HOME": str(folder / "rustup"),
            "PIP_NO_COMPILE": "0",  # pip reads 0 as "do not compile", which halves the time
            "PIP_CACHE_DIR": str(platformdirs.user_cache_path("pip")),
            "PIP_CONFIG_FILE": os.environ.get(
                "PIP_CONFIG_FILE", str(platformdirs.user_config_path("pip") / "pip.conf")
            ),
        }

    def run(self, *command: str | Path) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            command, env=self.environment, cwd="/", capture_output=True, text=True, timeout=300
        )

    def install(self) -> int:
        """Return the exit status of `make install` without the build."""
        done = self.run(self.clone / ".ci/install")
        print(done.stderr)
        return done.returncode

    def packages(self) -> Path:
        (folder,) = (self.data / "venv/lib").glob("python*/site-packages")
        return folder

    def start(self, *command: str | Path) -> subprocess.Popen[bytes]:
        return subprocess.Popen(command, env=self.environment, cwd="/")

    def files(self) -> dict[str, bytes | str]:
        """Return the home folder's content: the bytes of files, the targets of links."""
        return {
            str(path.relative_to(self.home)): str(path.readlink())
            if path.is_symlink()
            else path.read_bytes()
            if path.is_file()
            else "folder"
            for path in self.home.rglob("*")
        }


@pytest.fixture
def user(tmp_path: Path) -> User:
    assert (CLONE / "build/wheel").is_dir(), "no wheel here; `make setup` builds it"
    return User(tmp_path)


def until(condition: Callable[[], bool]) -> None:
    deadline_s = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline_s
        time.sleep(0.1)


@pytest.mark.slow
def test_install_update_and_uninstall(user):
    """One test, since each new environment takes half a minute."""
    before = user.files()
    # A removed installation has left an entry that starts it at login.
    user.autostart.parent.mkdir()
    user.autostart.write_text(AUTOSTART.format("/gone/bin/entrain"))
    assert user.install() == 0
    _an_update_that_fails_keeps_the_former_version_and_one_that_works_keeps_packages(user)
    _an_environment_of_a_python_that_is_gone_is_given_back_or_built_anew(user)
    shutil.rmtree(user.clone)
    _it_works_without_the_clone(user)
    _uninstall_leaves_the_users_files_alone(user, before)


def _an_update_that_fails_keeps_the_former_version_and_one_that_works_keeps_packages(user):
    content = user.wheel.read_bytes()
    packages = user.packages()
    (packages / "added.py").touch()
    user.wheel.write_bytes(content[: len(content) // 2])
    assert user.install() != 0
    assert user.run(user.command, "--version").returncode == 0

    user.wheel.write_bytes(content)
    shutil.rmtree(packages / "click")
    for distribution in packages.glob("click-*.dist-info"):
        shutil.rmtree(distribution)
    assert user.install() == 0
    assert user.run(user.command, "--version").returncode == 0
    assert (packages / "added.py").exists()


def _an_environment_of_a_python_that_is_gone_is_given_back_or_built_anew(user):
    content = user.wheel.read_bytes()
    (user.data / "venv/bin/python").unlink()
    user.wheel.write_bytes(content[: len(content) // 2])
    assert user.install() != 0
    assert (user.packages() / "added.py").exists()

    user.wheel.write_bytes(content)
    assert user.install() == 0
    assert user.run(user.command, "--version").returncode == 0
    assert not (user.packages() / "added.py").exists()
    assert not (user.data / "venv.former").exists()


def _it_works_without_the_clone(user):
    share = user.data.parent
    assert "render" in user.run(user.command, "--help").stdout
    for file in (
        "bash-completion/completions/entrain",
        "zsh/site-functions/_entrain",
        "fish/vendor_completions.d/entrain.fish",
    ):
        assert "_ENTRAIN_COMPLETE" in (share / file).read_text()
    program = user.data / "venv/bin/entrain"
    assert (
        f"TryExec={program}\n" in (share / "applications/org.entrain.Entrain.desktop").read_text()
    )
    assert "<svg" in (share / "icons/hicolor/scalable/apps/org.entrain.Entrain.svg").read_text()
    said = user.run(user.command, "autostart", "status").stdout
    assert said == f"enabled: each login starts {program}\n"


def _uninstall_leaves_the_users_files_alone(user, before):
    share = user.data.parent
    # Another program begins to use a folder that the installation made.
    (share / "fish/vendor_completions.d/other.fish").write_text("complete other")
    setting = user.home / ".config/entrain/mine"
    setting.parent.mkdir(exist_ok=True)
    setting.write_text("a setting")
    protocol = user.data / "protocols/mine.json"
    protocol.parent.mkdir(exist_ok=True)
    protocol.write_text("my own protocol")
    process = user.start(user.command, "run", "--headless", "--backend", "null")
    try:
        until(lambda: user.run(user.command, "status").returncode == 0)

        done = user.run(user.data / "uninstall")

        assert done.returncode == 0, done.stderr
        assert process.wait(timeout=30) == 0
    finally:
        process.kill()
        process.wait()
    assert str(setting.parent) in done.stderr
    left = {name: what for name, what in user.files().items() if name not in before}
    assert left.pop(".local/share/fish/vendor_completions.d/other.fish") == b"complete other"
    assert left.pop(".local/share/entrain/protocols/mine.json") == b"my own protocol"
    assert f"kept your own protocols: {protocol.parent}" in done.stderr
    # Entrain made .local/state and .config/autostart while it ran; other programs use them, too.
    assert left.keys() <= {
        ".config/autostart",
        ".local/share",
        ".local/share/entrain",
        ".local/share/entrain/protocols",
        ".local/share/fish",
        ".local/share/fish/vendor_completions.d",
        ".local/state",
    }
    assert before.items() <= user.files().items()
    assert list(user.runtime.iterdir()) == []


def test_another_command_of_that_name_is_left_alone(user):
    user.command.write_text("another program")
    before = user.files()

    done = user.run(user.clone / ".ci/install")

    assert done.returncode == 1
    assert str(user.command) in done.stderr
    assert user.files() == before


def test_uninstalling_nothing_is_fine(user):
    """The autostart entry of another installation is kept."""
    user.autostart.parent.mkdir()
    user.autostart.write_text(AUTOSTART.format("/usr/bin/entrain"))
    before = user.files()

    done = user.run(user.clone / ".ci/uninstall")

    assert done.returncode == 0
    assert "Entrain is not installed" in done.stderr
    assert user.files() == before
