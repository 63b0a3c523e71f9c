"""The user's choice of how music sounds around the head.  It does not know the engine."""
