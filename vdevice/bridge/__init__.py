"""A bridge: a process for outside control.  One hears head trackers and OSC, another one MIDI.

They are processes of their own, so that a hostile packet or a broken driver never reaches the
process that carries the sound, and a MIDI driver that stands still stops MIDI alone.  Poses go to
Entrain over a socket pair; all else goes to the control socket, as with any other client.
"""
