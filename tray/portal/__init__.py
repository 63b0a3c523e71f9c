"""The desktop's portal: keyboard shortcuts that work in every window, and a line of status.

Knows the portal's messages on the session bus, but neither Entrain's commands nor its menu.
"""
