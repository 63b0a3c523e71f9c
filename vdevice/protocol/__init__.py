"""Protocols: what they are, where they come from, and what they become in the engine."""
