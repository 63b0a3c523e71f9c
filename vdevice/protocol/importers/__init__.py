"""Importers of other programs' files."""
