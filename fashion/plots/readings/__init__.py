"""Readings: sentences on what the figures and notebooks show in this run; one module for each notebook.

A reading states a claim, its number, the tension and the next step. It is Markdown, and empty where its condition does
not hold: a sentence that fits any outcome is not a reading.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__, submodules=["attributes", "catalogue", "embedding", "evaluation", "map", "recommendation", "text"]
)
