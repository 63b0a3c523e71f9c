"""Work that needs no running app: rendering files, and looking at what Entrain needs.

Nothing here knows the control API.
"""
