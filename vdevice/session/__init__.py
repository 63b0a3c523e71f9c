"""The running protocol: in the engine, over time, on each output, and in the log.

This folder does not know sound servers or requests.
"""
