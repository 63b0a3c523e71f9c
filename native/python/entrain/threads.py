"""Handles of threads, which only the operating system understands."""

from typing import NewType

ThreadHandle = NewType("ThreadHandle", int)
"""A thread of this process; the native back end names it to the adapter of the same system."""
