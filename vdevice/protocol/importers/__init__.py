"""Protocols from the files of other programs."""
