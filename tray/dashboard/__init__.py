"""The dashboard's process: it serves a page to the user's browser, and steers Entrain for it.

It is a client of the control socket and knows no other part of the running app; it knows no sound
server and does not compute with samples.  The page's own files are in ``page/``.
"""
