"""The command line.

The commands ask the running app; nothing here knows sound servers.
"""
