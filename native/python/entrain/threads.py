"""Names of threads that only the system understands which has made them."""

from typing import NewType

ThreadHandle = NewType("ThreadHandle", int)
"""A thread of this process, as the native back end names it to the adapter of the same system."""
