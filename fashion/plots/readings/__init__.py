"""Readings: what figures and notebooks show in this run, as sentences; one module a notebook, as its figures.

A reading is claim, number, tension, next step. It is Markdown, and empty where its condition does not hold: a sentence
that fits any outcome is none.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__, submodules=["attributes", "catalogue", "embedding", "evaluation", "map", "recommendation", "text"]
)
