"""MIDI: knobs, faders, pads and programs steer Entrain.

`ports` opens the devices; all other modules know neither ports nor sockets.  They turn messages
into changes of values, and values into messages for motor faders and LED rings.
"""
