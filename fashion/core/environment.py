"""Environment variables that are set for a while."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager


@contextmanager
def restored(names: Iterable[str]) -> Iterator[None]:
    """Put these environment variables back at the end: as they were, or not set.

    Examples
    --------
    >>> with restored(["FASHION_EXAMPLE"]):
    ...     os.environ["FASHION_EXAMPLE"] = "1"
    >>> "FASHION_EXAMPLE" in os.environ
    False
    """
    before = {name: os.environ.get(name) for name in names}
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
