"""The app's side of outside control: its settings, and the lives of the two bridges.

Packets and drivers are read in the bridges' own processes, by `vdevice/bridge/`.
"""
