"""Catalogues: from a TOML, a table and photos to clean, translated rows (notebook 01)."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "run": ["Run"],
    },
)
