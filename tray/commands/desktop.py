"""Commands that make Entrain a part of the desktop: at login, and in the application menu."""

# ruff: noqa: D301 - \b tells click not to wrap the lines that follow

import contextlib
from typing import Literal

import click

from entrain.platform import factory

BUS_TIMEOUT_S = 1.0
"""Longest wait for an answer of the session bus, in seconds."""


@click.command()
@click.argument("action", type=click.Choice(["enable", "disable", "status"]))
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


def point_to_running() -> None:
    """Tell the user, also by a notification, that Entrain is running and where to find it."""
    from entrain.errors import EntrainError
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
