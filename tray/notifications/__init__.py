"""Notifications: which changes are worth one, and how the desktop is asked to show it."""
