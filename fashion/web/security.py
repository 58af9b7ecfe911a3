"""What keeps visitors' browsers and the machine safe: headers, and limits on costly requests."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from flask import Flask, Response, request

from fashion.core.errors import FashionError

POLICY = "; ".join([
    "default-src 'none'", "img-src 'self' data:", "style-src 'self'", "script-src 'self'", "connect-src 'self'",
    "form-action 'self'", "frame-ancestors 'none'", "base-uri 'none'",
])  # fmt: skip

HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=()",
}

#: Endpoints whose answers tell of a visitor's own photo: no cache keeps them.
PRIVATE = ("pages.look", "pages.look_at", "api.similar_to_photo")


def add_headers(app: Flask) -> None:
    """Send `HEADERS` with every response, and let nothing be kept that tells of a visitor's photo."""

    @app.after_request
    def headers(response: Response) -> Response:
        for name, value in HEADERS.items():
            response.headers.setdefault(name, value)
        if request.endpoint in PRIVATE:
            response.headers["Cache-Control"] = "no-store"
        return response


class Buckets:
    """A bucket of tokens for each visitor: each request takes one, and they come back with time.

    Parameters
    ----------
    size : int
        Tokens of a full bucket: requests that may come at once.
    per_second : float
        Tokens that come back.
    most : int
        Visitors that are remembered; the longest unseen are forgotten first.
    clock : callable
        Seconds, rising.
    """

    def __init__(
        self, size: int = 12, per_second: float = 0.5, most: int = 10_000, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.size, self.per_second, self.most, self.clock = size, per_second, most, clock
        self._found: OrderedDict[str, tuple[float, float]] = OrderedDict()
        self._lock = threading.Lock()

    def take(self, visitor: str) -> float:
        """Take a token; 0 where there was one, else the seconds until there is."""
        with self._lock:
            now = self.clock()
            left, since = self._found.pop(visitor, (float(self.size), now))
            left = min(self.size, left + (now - since) * self.per_second)
            wait = 0.0 if left >= 1 else (1 - left) / self.per_second
            self._found[visitor] = (left - 1 if not wait else left, now)
            while len(self._found) > self.most:
                self._found.popitem(last=False)
            return wait


class NotNow(FashionError):
    """A photo that is not looked at now; `status` and `seconds` (until it is worth another try) are for HTTP."""

    def __init__(self, status: int, seconds: int, message: str) -> None:
        super().__init__(message)
        self.status, self.seconds = status, seconds


class Turns:
    """Whose photo is looked at now: so many at once, so that browsing goes on; and by `Buckets`, so many of each.

    Parameters
    ----------
    buckets : Buckets
    at_once : int
        Photos looked at at a time; fewer than the server's threads.
    """

    def __init__(self, buckets: Buckets, at_once: int) -> None:
        self.buckets = buckets
        self._free = threading.BoundedSemaphore(at_once)

    @contextmanager
    def turn(self, visitor: str) -> Iterator[None]:
        """Look at one photo within the block; nobody waits for a place.

        Raises
        ------
        NotNow
            When too many are looked at, or too many came from this visitor.
        """
        if not self._free.acquire(blocking=False):
            raise NotNow(503, 2, "Many photos are being looked at just now. Try again in a few seconds.")
        try:
            wait = self.buckets.take(visitor)
            if wait:
                raise NotNow(
                    429, int(wait) + 1, f"Too many photos in a short time. Try again in {int(wait) + 1} seconds."
                )
            yield
        finally:
            self._free.release()
