"""Work without the running app: rendering files, and checking what Entrain needs.

This package knows no control API.
"""
