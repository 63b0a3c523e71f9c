"""A protocol while it is heard: in the engine, over time, on each output, and in the log.

Nothing here knows sound servers or requests.
"""
