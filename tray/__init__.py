"""The user interface: the command line, the icon and its menu, notifications."""
