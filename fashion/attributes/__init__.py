"""The attributes network, which learns category and colour from the embedding (notebook 03)."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submodules=[
        "baseline",
        "calibration",
        "checkpoint",
        "customer_photos",
        "layout",
        "methods",
        "network",
        "summary",
        "to_check",
        "training",
        "untrained",
        "weights",
    ],
)
