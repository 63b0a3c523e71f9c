"""Texts for a terminal: protocols, status, durations and positions, and their layout.

This package does not send requests to the running app.
"""
