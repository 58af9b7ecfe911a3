"""Embeddings by a frozen network (notebook 02)."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__, submodules=["backbones", "costs", "extraction", "features", "summary"]
)
