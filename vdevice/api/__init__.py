"""The control API: requests, status and lists, the server, and the client for other apps.

This folder does not change the app: it passes requests on, and the app carries them out.
"""
