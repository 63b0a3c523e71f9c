"""The virtual device: its life, its target, its volume, and which apps are heard through it.

The modules that decide call no server; the keepers and `stream_router` carry out, by way of the
`sound_connection`.  Nothing here knows protocols, requests or files.
"""
