"""The control API: requests in, status and lists out, and the client that other programs use.

Nothing here changes anything itself: the app does what a request asks.
"""
