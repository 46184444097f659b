"""Array code: numpy and numba only, no names, no files."""
