"""How protocols, status, durations and positions look in words; text laid out for a terminal.

Nothing here asks the running app.
"""
