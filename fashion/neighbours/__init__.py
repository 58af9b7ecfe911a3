"""Nearest neighbours: exact search, an approximate index, near-duplicates."""
