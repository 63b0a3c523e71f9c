"""Imports Gnaural's schedules; `reader` is the entry point."""
