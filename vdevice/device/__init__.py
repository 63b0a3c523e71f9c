"""The virtual device: its life, its target, its volume, and which apps are heard through it.

The modules that decide call no server; `virtual_device` and `sound_connection` carry out.  Nothing
here knows protocols, requests or files.
"""
