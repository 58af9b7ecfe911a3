"""Versions of installed packages."""

from __future__ import annotations

from functools import cache
from importlib.metadata import PackageNotFoundError, version


def installed_version(package: str) -> str:
    """Version of a package; empty where it is missing.

    One that was found is remembered, as a process keeps what it has loaded; what is missing is looked for again.
    """
    try:
        return _found(package)
    except PackageNotFoundError:
        return ""


@cache
def _found(package: str) -> str:
    return version(package)
