"""Sequences of SBaGen and programs like it become protocols; `reader` begins."""
