"""Versions of installed packages."""

from __future__ import annotations

from functools import cache
from importlib.metadata import PackageNotFoundError, version


@cache
def installed_version(package: str) -> str:
    """Version of a package, looked up once in a process, which keeps what it has loaded; empty where it is missing."""
    try:
        return version(package)
    except PackageNotFoundError:
        return ""
