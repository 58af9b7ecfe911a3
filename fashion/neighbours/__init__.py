"""Nearest neighbours: exact search, an approximate index, near-duplicates."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(__name__, submodules=["duplicates"])
