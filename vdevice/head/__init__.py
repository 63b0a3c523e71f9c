"""The head as the app knows it: its settings for each output, and its pose.

Packets from the network are read in a process of its own, by `vdevice/bridge/tracking/`.
"""
