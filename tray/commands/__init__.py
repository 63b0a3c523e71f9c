"""The command line.

The commands send requests to the running app.  This package does not know sound servers.
"""
