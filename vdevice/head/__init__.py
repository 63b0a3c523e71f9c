"""The head as the app knows it: its settings for each output, its pose, and the tracker's process.

Nothing here reads a packet from the network: `vdevice/tracking/` does, in a process of its own.
"""
