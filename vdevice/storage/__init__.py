"""The state that survives a restart: settings, stored protocols, and copies of unreadable files.

This folder does not know the meaning of the settings.
"""
