"""Protocols: their format, their sources, and their automation in the engine."""
