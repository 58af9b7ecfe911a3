"""Security headers, and rate limits on costly requests."""

from __future__ import annotations

import hashlib
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager

from flask import Flask, Response, request
from werkzeug.datastructures import ETags

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

#: Endpoints whose responses depend on a visitor's photo or judgements: no cache keeps them.
PRIVATE = ("pages.look", "pages.look_at", "api.similar_to_photo", "judging.judge", "judging.judged")


#: Endpoints that another site may read or show where its origin is allowed: the API, photos, and the script for both.
SHARED = ("api.", "photos.photo", "pages.similar_script")


def add_origins(app: Flask, origins: Collection[str]) -> None:
    """Let scripts of these origins read the API, and their pages show photos and run similar.js (CORS, CORP)."""
    if not origins:
        return

    @app.after_request
    def share(response: Response) -> Response:
        if not (request.endpoint or "").startswith(SHARED):
            return response
        response.vary.add("Origin")
        response.headers["Cross-Origin-Resource-Policy"] = "cross-origin"
        if request.origin in origins:
            response.headers["Access-Control-Allow-Origin"] = request.origin
            response.headers["Access-Control-Expose-Headers"] = "ETag, Retry-After"
            if request.method == "OPTIONS":
                response.headers["Access-Control-Allow-Methods"] = ", ".join(sorted(response.allow))
                response.headers["Access-Control-Allow-Headers"] = "Content-Type"
                response.headers["Access-Control-Max-Age"] = "86400"
        return response


def add_revalidation(app: Flask) -> None:
    """Let browsers keep pages and JSON, and ask each time whether they are still right: an ETag of the content."""

    @app.after_request
    def revalidate(response: Response) -> Response:
        kept = request.endpoint and request.endpoint.startswith(("pages.", "api.")) and request.endpoint not in PRIVATE
        if not kept or response.status_code != 200 or request.method not in ("GET", "HEAD") or response.is_streamed:
            return response
        response.headers.setdefault("Cache-Control", "no-cache")
        if "ETag" not in response.headers:
            # Of the content before it is compressed: compressing adds its own mark.
            response.set_etag(hashlib.sha256(response.get_data()).hexdigest()[:20])
        # HEAD has no body to hash: its ETag would be that of nothing.
        if isinstance(request.if_none_match, ETags) and request.method == "GET":
            response.make_conditional(request)
        return response


def add_headers(app: Flask) -> None:
    """Send `HEADERS` with every response, and `no-store` with those that depend on a visitor's photo."""

    @app.after_request
    def headers(response: Response) -> Response:
        for name, value in HEADERS.items():
            response.headers.setdefault(name, value)
        if request.endpoint in PRIVATE:
            response.headers["Cache-Control"] = "no-store"
        return response


class Buckets:
    """A token bucket for each visitor: each request takes one token, and tokens come back with time.

    Parameters
    ----------
    size : int
        Tokens of a full bucket: the largest burst of requests.
    per_second : float
        Tokens that come back each second.
    most : int
        Visitors to remember; the least recent are forgotten first.
    clock : callable
        Monotonic time in seconds.
    """

    def __init__(
        self, size: int = 12, per_second: float = 0.5, most: int = 10_000, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.size, self.per_second, self.most, self.clock = size, per_second, most, clock
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()
        self._lock = threading.Lock()

    def take(self, visitor: str) -> float:
        """Take a token: 0 if there was one, else the seconds until the next."""
        with self._lock:
            now = self.clock()
            left, since = self._buckets.pop(visitor, (float(self.size), now))
            left = min(self.size, left + (now - since) * self.per_second)
            wait = 0.0 if left >= 1 else (1 - left) / self.per_second
            self._buckets[visitor] = (left - 1 if not wait else left, now)
            while len(self._buckets) > self.most:
                self._buckets.popitem(last=False)
            return wait


class NotNow(FashionError):
    """A photo or judgement is refused for now; `status` and `seconds` (Retry-After) are for HTTP."""

    def __init__(self, status: int, seconds: int, message: str) -> None:
        super().__init__(message)
        self.status, self.seconds = status, seconds

    def __reduce__(self) -> tuple[type[NotNow], tuple[int, int, str]]:
        """Pickle all three fields, for another process."""
        return NotNow, (self.status, self.seconds, str(self))


class Turns:
    """Limits on photos: on those processed at a time, so that browsing stays fast, and on those of each visitor.

    Parameters
    ----------
    buckets : Buckets
    at_once : int
        Photos processed at a time; fewer than the server's threads. Half as many may wait.
    patience : float
        Seconds that one waits for its turn.
    """

    def __init__(self, buckets: Buckets, at_once: int, patience: float = 2.0) -> None:
        self.buckets, self.patience = buckets, patience
        self._free, self._waiting = threading.BoundedSemaphore(at_once), threading.Semaphore(at_once // 2)

    @contextmanager
    def turn(self, visitor: str) -> Iterator[None]:
        """Process one photo within the block, after a short wait where others are being processed.

        Raises
        ------
        NotNow
            When too many are being processed, or came from this visitor.
        """
        if not self._free.acquire(blocking=False) and not self._wait():
            raise NotNow(503, 2, "Too many photos are being processed. Try again in a few seconds.")
        try:
            wait = self.buckets.take(visitor)
            if wait:
                raise NotNow(
                    429, int(wait) + 1, f"Too many photos in a short time. Try again in {int(wait) + 1} seconds."
                )
            yield
        finally:
            self._free.release()

    def _wait(self) -> bool:
        """Wait for a turn; return whether it came in time. Only a few may wait, as each holds a server's thread."""
        if not self._waiting.acquire(blocking=False):
            return False
        try:
            return self._free.acquire(timeout=self.patience)
        finally:
            self._waiting.release()
