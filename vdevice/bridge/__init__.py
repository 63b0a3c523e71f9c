"""The bridge: one process for outside control, that is for head trackers, OSC and MIDI.

It is a process of its own, so that a hostile packet or a broken driver never reaches the process
that carries the sound.  Poses go to Entrain over a socket pair; all else goes to the control
socket, as with any other client.
"""
