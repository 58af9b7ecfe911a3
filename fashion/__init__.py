"""Fashion recommendation: similar clothes by photo, colour and category.

The public names are listed here; each is loaded when it is first used, so that `import fashion` is fast and
loads no TensorFlow.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from fashion.backbones import load_backbone
    from fashion.catalogue import load_catalogue
    from fashion.embedding import embed
    from fashion.errors import FashionError
    from fashion.recommendation import recommend
    from fashion.recommender import Recommender
    from fashion.report import build_report
    from fashion.tables import read_table
    from fashion.workspace import Workspace

__version__ = "0.1.0"

_HOMES = {
    "FashionError": "errors",
    "Recommender": "recommender",
    "Workspace": "workspace",
    "build_report": "report",
    "embed": "embedding",
    "load_backbone": "backbones",
    "load_catalogue": "catalogue",
    "read_table": "tables",
    "recommend": "recommendation",
}

__all__ = [
    "FashionError",
    "Recommender",
    "Workspace",
    "build_report",
    "embed",
    "load_backbone",
    "load_catalogue",
    "read_table",
    "recommend",
]


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(importlib.import_module(f"fashion.{_HOMES[name]}"), name)
    raise AttributeError(f"module 'fashion' has no attribute {name!r}; it has {', '.join(__all__)}")
