"""The icon in the panel, its menu and its help page.

This package does not know the protocol of a panel; `statusnotifier` does.
"""
