"""Heads: how ears change sound from each direction, read from SOFA files, for the engine.

Modules in this folder import neither numpy nor netCDF4, so the running app may import them.  The
modules in `preparation` run in a process of their own (`process.py`).
"""
