"""What survives a restart: settings, stored protocols, and copies of what could not be read.

Nothing here knows what the settings are for.
"""
