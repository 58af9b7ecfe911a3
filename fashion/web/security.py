"""What keeps visitors' browsers and the machine safe: headers, and a limit on costly requests."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable

from flask import Flask, Response

POLICY = "; ".join([
    "default-src 'none'", "img-src 'self' data: blob:", "style-src 'self'", "script-src 'self'", "connect-src 'self'",
    "form-action 'self'", "frame-ancestors 'none'", "base-uri 'none'", "manifest-src 'self'",
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


def add_headers(app: Flask) -> None:
    """Send `HEADERS` with every response."""

    @app.after_request
    def headers(response: Response) -> Response:
        for name, value in HEADERS.items():
            response.headers.setdefault(name, value)
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
