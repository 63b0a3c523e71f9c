"""Entrain: one more output device that puts brainwave entrainment into whatever you play."""

from importlib.metadata import version

__version__ = version("entrain")
