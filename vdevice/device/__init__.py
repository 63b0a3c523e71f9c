"""The virtual device: its life, its target, its volume, and the apps that play through it.

The modules that make decisions do not call a server.  The keepers and `stream_router` carry the
decisions out through `sound_connection`.  This folder does not know protocols, requests or files.
"""
