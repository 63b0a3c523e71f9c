"""The command that opens the dashboard."""

# ruff: noqa: D301 - \b tells click not to wrap the lines that follow

import click


@click.command()
@click.option(
    "--no-browser", is_flag=True, help="Print the page's address, and serve it until Ctrl-C."
)
def dashboard(no_browser: bool) -> None:
    """See and steer the sound on a page in your browser.

    Only this computer can reach the page, and only with a key that this command makes.  The page
    stays open when Entrain starts again after a crash.

    \b
    Examples:
      entrain dashboard
      entrain dashboard --no-browser     print the address, for instance for another browser
    """
    from entrain.errors import EntrainError
    from entrain.platform.adapter import PlatformError
    from entrain.tray.dashboard import opening

    if no_browser:
        opening.serve(click.echo)
        return
    try:
        opening.open_page()
    except PlatformError as error:
        raise EntrainError(
            f"{error}; `entrain dashboard --no-browser` prints the address"
        ) from error
