"""Catalogues: from a TOML, a table and photos to clean, translated rows (notebook 01)."""
