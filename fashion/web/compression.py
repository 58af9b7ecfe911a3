"""How answers travel: text compressed for who takes it, static files with addresses that browsers may keep for good."""

from __future__ import annotations

import gzip
import hashlib
from functools import cache
from pathlib import Path

from flask import Flask, Response, request, url_for

#: Bytes from which text is compressed, and how hard: the first level takes a millisecond and gains most.
LEAST, LEVEL = 2048, 1

TEXT = ("text/html", "text/css", "text/javascript", "application/json", "image/svg+xml")


def add_sending(app: Flask) -> None:
    """Let an app compress its text and name its static files by their content."""
    folder = Path(app.static_folder or "")

    @cache
    def mark(filename: str) -> str:
        return hashlib.sha256((folder / filename).read_bytes()).hexdigest()[:12]

    @app.template_global()
    def static_address(filename: str) -> str:
        return url_for("static", filename=filename, v=mark(filename))

    def lasting() -> bool:
        return request.args.get("v") == mark((request.view_args or {})["filename"])

    @app.after_request
    def send(response: Response) -> Response:
        if request.endpoint == "static" and response.status_code in (200, 304) and lasting():
            response.headers["Cache-Control"] = "public, max-age=31536000, immutable"
        return compressed(response)


def compressed(response: Response) -> Response:
    """A response as gzip, where it is text of some length and the client takes it."""
    if response.mimetype not in TEXT or response.status_code != 200 or "Content-Encoding" in response.headers:
        return response
    response.vary.add("Accept-Encoding")
    if not request.accept_encodings["gzip"] or request.method == "HEAD":
        return response
    response.direct_passthrough = False  # files are read here: none of ours is large
    data = response.get_data()
    if len(data) >= LEAST:
        response.set_data(gzip.compress(data, LEVEL, mtime=0))
        response.headers["Content-Encoding"] = "gzip"
        mark, weak = response.get_etag()
        if mark is not None:  # another body is another version
            response.set_etag(f"{mark}-gzip", bool(weak))
    return response
