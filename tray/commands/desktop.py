"""Commands that make Entrain a part of the desktop: at login, in its menu, with its shortcuts."""

# ruff: noqa: D301 - \b tells click not to wrap the lines that follow

import contextlib
import os
import threading
from typing import TYPE_CHECKING, Literal

import click

from entrain.errors import EntrainError
from entrain.platform import factory
from entrain.tray.commands.request import NAME, ask

if TYPE_CHECKING:
    from entrain.vdevice.api.answers import Hotkeys
    from entrain.vdevice.api.client import Client

DIALOG_WAIT_S = 120.0
"""Longest wait for a user who is choosing keys in the desktop's dialog."""
RETRY_WAIT_S = 8.0
"""Longest wait for the next attempt after a failure, perhaps while the portal starts."""
ATTEMPTS = 3
"""Failures after which the command reports the last one; Entrain itself goes on."""
BUS_TIMEOUT_S = 1.0
"""Longest wait for an answer of the session bus, in seconds."""


@click.command()
@click.argument("action", type=click.Choice(["enable", "disable", "status"]), default="status")
def autostart(action: Literal["enable", "disable", "status"]) -> None:
    """Start Entrain at login, or stop doing so.

    At login, Entrain restores the state that it had at logout.

    \b
    Examples:
      entrain autostart enable
      entrain autostart status
    """
    at_login = factory.load().autostart()
    if action == "enable":
        at_login.enable()
    elif action == "disable":
        at_login.disable()
    status = at_login.status()
    if status.enabled:
        click.echo(f"enabled: each login starts {status.program}")
    else:
        click.echo(f"disabled: {status.reason}" if status.reason else "disabled")


@click.command("install-desktop")
@click.option("--undo", is_flag=True, help="Remove the entry and the icons again.")
def install_desktop(undo: bool) -> None:
    """Add Entrain to the application menu.  Its icons go into the icon theme.

    `make install` does this, too; use this command after other kinds of installation.  It prints
    the files that it writes or removes.

    \b
    Examples:
      entrain install-desktop
      entrain install-desktop --undo
    """
    adapter = factory.load()
    launcher = adapter.launcher()
    if undo:
        files = launcher.undo()
    else:
        from entrain.tray.icon.drawing import svg_files

        adapter.autostart().refresh()  # an upgrade may come from another place
        files = launcher.install(svg_files())
    for file in files:
        click.echo(file)


@click.command()
@click.argument("action", type=click.Choice(["enable", "disable", "status"]), default="status")
def hotkeys(action: Literal["enable", "disable", "status"]) -> None:
    """Let keys steer Entrain from every window.  Without enable or disable, show the keys.

    Entrain asks the desktop's portal for these shortcuts, and the desktop asks you for the keys:
    bypass, next protocol, faster, slower, stronger, weaker, undo.  Where a desktop has no such
    portal, the command says which of its settings does the same.

    \b
    Examples:
      entrain hotkeys enable
      entrain hotkeys status
    """
    from entrain.tray.icon.hotkeys import OFFERED
    from entrain.tray.text import hotkeys_text

    status = ask("status")
    found = status["hotkeys"]
    if action == "enable":
        if not status["icon"]:
            page = hotkeys_text.settings_page(os.environ)
            raise EntrainError(f"Entrain runs without its icon, which asks for shortcuts; {page}")
        if found["state"] != "bound":
            found = _asked()
    elif action == "disable":
        found = ask("hotkeys", enabled=False)["hotkeys"]
    for line in hotkeys_text.lines(found, {name: told for name, (told, *_) in OFFERED.items()}):
        click.echo(line)


def _asked() -> "Hotkeys":
    """Ask for the shortcuts and wait for the desktop's answer; raises `EntrainError`."""
    from entrain.tray.text import hotkeys_text
    from entrain.vdevice.api.client import Client

    found = ask("hotkeys", enabled=True)["hotkeys"]
    failures = 0
    with Client(name=NAME) as client:
        patience = _hang_up_after(DIALOG_WAIT_S, client)
        for news in client.watch_parts(("hotkeys",), 0.1, prompt=True):
            before, found = found, news.parts["hotkeys"]
            failures += found["state"] == "failed"
            if found["state"] not in ("off", "asking", "failed") or failures == ATTEMPTS:
                break
            patience.cancel()
            wait_s = RETRY_WAIT_S if found["state"] == "failed" else DIALOG_WAIT_S
            patience = _hang_up_after(wait_s, client)
            if found["reason"] and found["reason"] != before["reason"]:
                click.echo(f"{found['reason']} …")
        patience.cancel()
    if found["state"] == "missing":
        ask("hotkeys", enabled=False)
        raise EntrainError(f"{found['reason']}; {hotkeys_text.settings_page(os.environ)}")
    if found["state"] in ("denied", "failed"):
        raise EntrainError(f"no shortcuts: {found['reason']}")
    return found


def _hang_up_after(wait_s: float, client: "Client") -> threading.Timer:
    patience = threading.Timer(wait_s, client.hang_up)
    patience.daemon = True
    patience.start()
    return patience


def point_to_running() -> None:
    """Tell the user, also by a notification, that Entrain is running and where to find it."""
    from entrain.tray.notifications.notification_policy import already_running
    from entrain.tray.notifications.notifier import say
    from entrain.tray.statusnotifier.host import find_host
    from entrain.vdevice.api.client import Client

    status = None
    with contextlib.suppress(EntrainError), Client(timeout_s=1.0) as client:
        status = client.ask("status")
    host = find_host(BUS_TIMEOUT_S)
    notice = already_running(status, host.reason if host.kind == "none" else "")
    click.echo(f"{notice.title}. {notice.text}")
    say(notice)
