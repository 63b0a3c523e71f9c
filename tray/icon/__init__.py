"""The icon in the panel, its menu and its help page.

Nothing here knows how a panel is spoken to: `statusnotifier` does.
"""
