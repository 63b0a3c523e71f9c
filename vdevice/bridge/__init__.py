"""The bridge: outside control in a process of its own."""
