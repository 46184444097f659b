"""Figures: one a file; results in, a matplotlib Figure out."""
