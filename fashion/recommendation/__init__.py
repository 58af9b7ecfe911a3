"""Recommendations for an item, a photo or words (notebook 04)."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__, submodules=["known_item", "photo_query", "queries", "recommender", "summary"]
)
