"""The shop window as a WSGI application."""

from __future__ import annotations

import io
import logging
from typing import IO, Any

from flask import Blueprint, Flask, Request, Response, abort, current_app, jsonify, render_template, request
from werkzeug.exceptions import HTTPException
from werkzeug.sansio.response import Response as BaseResponse

from fashion.errors import PhotoError
from fashion.web.api import api, problem
from fashion.web.ask import Ask
from fashion.web.metrics import Metrics, watch
from fashion.web.pages import pages, shop_now
from fashion.web.pictures import EDGES, Pictures
from fashion.web.security import Buckets, add_headers
from fashion.web.shop import Window
from fashion.web.uploads import MOST_BYTES

log = logging.getLogger("fashion.web")
photos = Blueprint("photos", __name__)
state = Blueprint("state", __name__)


class InMemory(Request):
    """A request whose files stay in memory: by itself werkzeug writes large ones to disk for a while."""

    def _get_file_stream(self, *_: Any, **__: Any) -> IO[bytes]:
        return io.BytesIO()


def create_app(window: Window, buckets: Buckets | None = None) -> Flask:
    """Make the application.

    Parameters
    ----------
    window : Window
        What is shown.
    buckets : Buckets, optional
        Limit on photos sent by one visitor.
    """
    app = Flask(__name__)
    app.request_class = InMemory
    app.config["MAX_CONTENT_LENGTH"] = MOST_BYTES + 64 * 1024
    app.config["MAX_FORM_MEMORY_SIZE"] = 512 * 1024
    app.config["MAX_FORM_PARTS"] = 20
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    metrics = Metrics()
    app.extensions |= {"window": window, "buckets": buckets or Buckets(), "pictures": Pictures(), "metrics": metrics}
    watch(app, metrics)
    add_headers(app)
    for blueprint in (pages, api, photos, state):
        app.register_blueprint(blueprint)
    app.register_error_handler(Exception, failed)
    return app


def failed(error: Exception) -> BaseResponse | tuple[str, int]:
    """Any error, as JSON or as a page, without a word of the program's inside."""
    status, title, detail = 500, "Internal Server Error", "Something went wrong here. Try again in a moment."
    if isinstance(error, HTTPException):
        status, title = error.code or 500, error.name
        detail = str(error.description)
        if isinstance(error.response, Response) or (error.code and error.code < 400):
            return error.get_response()
    else:
        log.exception("a request failed: %s %s", request.method, request.path)
    if request.path.startswith("/api/"):
        return problem(status, title, detail)
    try:
        return render_template("lost.html", shop=shop_now(), ask=Ask(), message=detail), status
    except Exception:
        return f"{title}\n", status


@photos.get("/photo")
def photo() -> Response:
    """An item's photo; its address changes with the report, so browsers may keep it."""
    shop = shop_now()
    name, size = request.args.get("id", ""), request.args.get("size", "small")
    if name not in shop.rows or size not in EDGES:
        abort(404, "There is no such photo.")
    try:
        data, kind = current_app.extensions["pictures"].get(shop, shop.rows[name], size)
    except PhotoError:
        abort(404, "This photo has vanished since the report was made.")
    answer = Response(data, mimetype=kind)
    answer.set_etag(f"{shop.items['sha256'].iloc[shop.rows[name]][:20]}-{size}")
    answer.headers["Cache-Control"] = "public, max-age=31536000, immutable" if "v" in request.args else "no-cache"
    answer.make_conditional(request)  # 304 where the browser has it
    return answer


@state.get("/healthz")
def healthz() -> Response:
    """Whether this shop is open, and what it shows."""
    shop = shop_now()
    return jsonify({"status": "ok", "catalogue": shop.title, "items": len(shop.items)})


@state.get("/metrics")
def metrics() -> Response:
    """Counts and latencies so far."""
    return Response(current_app.extensions["metrics"].text(), mimetype="text/plain; version=0.0.4")
