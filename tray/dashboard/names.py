"""Names that the dashboard's process and its callers share."""

from pathlib import Path

RUNS_ALREADY = "your dashboard runs already"
"""The line of a process that ends because another dashboard of this user runs."""


def socket_path(runtime: Path) -> Path:
    """Return the path of the dashboard's own socket in the user's runtime folder.

    Pages that lead to the dashboard lie beside it.
    """
    return runtime / "dashboard" / "dashboard.sock"
