"""Random commands for seconds; `make soak` sends them for minutes, with AddressSanitizer too."""

import pytest
import random_commander
from conftest import SANDBOXES, skip_unless_installed

SECONDS = 3


@pytest.mark.parametrize("server", SANDBOXES)
def test_random_commands_while_everything_around_changes(server):
    """Entrain does not crash, plays sound afterwards, and restores default, volumes and modules."""
    skip_unless_installed(SANDBOXES[server])
    result = random_commander.run(server, SECONDS, seed=1)
    assert not result.faults, str(result)
    assert result.commands > 10 * SECONDS, str(result)
    assert result.events > 1, str(result)
