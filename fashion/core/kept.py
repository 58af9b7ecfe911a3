"""An in-memory cache with a limit in bytes."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

T = TypeVar("T")


class Kept(Generic[T]):
    """A cache of values by key, least recent out first; for several threads.

    Parameters
    ----------
    held : int
        Bytes at most.
    size : callable
        Bytes of a value.

    Examples
    --------
    >>> kept = Kept(5, len)
    >>> [kept.get(word, lambda word=word: word.upper()) for word in ("one", "two", "one")]
    ['ONE', 'TWO', 'ONE']
    """

    def __init__(self, held: int, size: Callable[[T], int]) -> None:
        self._held, self._size_of, self._size = held, size, 0
        self._values: OrderedDict[Hashable, T] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: Hashable, make: Callable[[], T]) -> T:
        """A key's value, made where it is missing; if `make` raises, nothing is cached."""
        with self._lock:
            if key in self._values:
                self._values.move_to_end(key)
                return self._values[key]
        value = make()
        with self._lock:
            if key not in self._values:
                self._values[key] = value
                self._size += self._size_of(value)
            while self._size > self._held and self._values:
                self._size -= self._size_of(self._values.popitem(last=False)[1])
        return value
