"""Answers that list blocks, heads, outputs or protocols."""
