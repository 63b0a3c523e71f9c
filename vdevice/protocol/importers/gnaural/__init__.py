"""Schedules of Gnaural become protocols; `reader` begins."""
