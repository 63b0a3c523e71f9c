"""The command line, run in this process."""

from click.testing import CliRunner, Result

from entrain.tray.commands.cli import cli


def entrain(*arguments: str) -> Result:
    """Run a command; an unexpected exception fails the test."""
    result = CliRunner().invoke(cli, arguments, prog_name="entrain")
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result
