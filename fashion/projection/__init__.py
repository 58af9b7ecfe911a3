"""The map: t-SNE, and the interactive page (notebook 05)."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(__name__, submodules=["interactive", "summary", "tsne"])
