"""The tracker's process: receives poses of the head over UDP and hands them to Entrain.

It is a process of its own, so that a hostile packet never reaches the process that carries the
sound.  It knows senders and their signs, and does not know the app.
"""
