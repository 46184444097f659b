"""Datasets: parallel queries, passages and their answers; one dataset a file."""
