"""Metrics: one measure a file, each with its card."""
