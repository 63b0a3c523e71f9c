"""Measures entrainment in sound files.  Works offline, on any thread, with numpy and scipy."""
