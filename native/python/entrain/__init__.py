"""Entrain: one more output device that puts brainwave entrainment into whatever you play."""

__version__ = "0.1.0"
