"""Checkpoints: anything that turns texts into vectors; one kind a file.

A kind is a subclass of `Checkpoint` registered with `@checkpoint_kind(name)`. Opening one reads
only small files: the model itself is loaded by `load`, and only when a vector is missing from the
cache.
"""
