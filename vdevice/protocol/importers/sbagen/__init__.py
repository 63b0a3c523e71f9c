"""Imports sequences of SBaGen and similar programs; `reader` is the entry point."""
