"""The app's side of outside control: its settings, and the life of the bridge.

Packets and drivers are read in the bridge's own process, by `vdevice/bridge/`.
"""
