"""The head as the app knows it: its settings for each output, its pose, and the tracker's process.

Packets from the network are read in a process of its own, by `vdevice/tracking/`.
"""
