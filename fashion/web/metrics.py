"""Counts and latencies of requests, in Prometheus's text format."""

from __future__ import annotations

import threading
import time
from collections import Counter

from flask import Flask, Response, g, request

#: Upper ends of the latency buckets, seconds.
BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)


Totals = tuple[Counter[tuple[str, int]], Counter[tuple[str, float]], Counter[str]]


class Metrics:
    """Request counts by route and status, and latencies by route."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._requests: Counter[tuple[str, int]] = Counter()
        self._buckets: Counter[tuple[str, float]] = Counter()
        self._seconds: Counter[str] = Counter()  # of floats

    def note(self, route: str, status: int, seconds: float) -> None:
        """Count one request."""
        with self._lock:
            self._requests[route, status] += 1
            self._seconds[route] += seconds  # type: ignore[assignment]
            for end in BUCKETS:
                if seconds <= end:
                    self._buckets[route, end] += 1

    def totals(self) -> Totals:
        """Requests by route and status, those below each bucket's end, and seconds by route."""
        with self._lock:
            return Counter(self._requests), Counter(self._buckets), Counter(self._seconds)

    def text(self) -> str:
        """The metrics in Prometheus's text format."""
        requests, buckets, seconds = self.totals()
        lines = ["# HELP shop_requests_total Requests answered.", "# TYPE shop_requests_total counter"]
        lines += [f'shop_requests_total{{route="{r}",status="{s}"}} {n}' for (r, s), n in sorted(requests.items())]
        lines += ["# HELP shop_request_seconds Seconds to answer.", "# TYPE shop_request_seconds histogram"]
        for route in sorted(seconds):
            count = sum(n for (name, _), n in requests.items() if name == route)
            label = f'route="{route}"'
            lines += [f'shop_request_seconds_bucket{{{label},le="{e}"}} {buckets.get((route, e), 0)}' for e in BUCKETS]
            lines.append(f'shop_request_seconds_bucket{{{label},le="+Inf"}} {count}')
            lines.append(f"shop_request_seconds_sum{{{label}}} {seconds[route]:.6f}")
            lines.append(f"shop_request_seconds_count{{{label}}} {count}")
        return "\n".join(lines) + "\n"


def watch(app: Flask, metrics: Metrics) -> None:
    """Count every request of an app."""

    @app.before_request
    def begin() -> None:
        g.begun = time.perf_counter()

    @app.after_request
    def end(response: Response) -> Response:
        route = request.url_rule.rule if request.url_rule else "none"
        metrics.note(route, response.status_code, time.perf_counter() - g.get("begun", time.perf_counter()))
        return response
