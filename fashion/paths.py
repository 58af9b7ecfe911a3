"""Where the project lies on disk."""

from __future__ import annotations

import os
from pathlib import Path


def project_root() -> Path:
    """The folder that holds pyproject.toml, notebooks/ and data/; `FASHION_ROOT` overrides it."""
    override = os.environ.get("FASHION_ROOT")
    return Path(override).resolve() if override else Path(__file__).resolve().parents[1]
