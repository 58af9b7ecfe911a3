"""The shop window as a WSGI application."""

from __future__ import annotations

import hashlib
import io
import logging
from collections.abc import Collection
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import IO, Any

from flask import Blueprint, Flask, Request, Response, abort, current_app, jsonify, render_template, request, url_for
from flask_compress import Compress
from werkzeug.exceptions import BadRequest, HTTPException, MethodNotAllowed, default_exceptions
from werkzeug.sansio.response import Response as BaseResponse

from fashion import __version__, projection
from fashion.core.errors import FashionError, PhotoError
from fashion.core.kept import Kept
from fashion.recommendation.filters import QueryError
from fashion.web.api import ANSWERS_HELD, api, problem
from fashion.web.judging import BURST, PER_SECOND, Judgements, judging
from fashion.web.metrics import Metrics, watch
from fashion.web.pages import pages, shop_now
from fashion.web.parameters import Ask
from fashion.web.photo_process import ReadPhoto, read_here
from fashion.web.reload import Window
from fashion.web.security import Buckets, Turns, add_headers, add_origins, add_revalidation
from fashion.web.thumbnails import EDGES, Pictures
from fashion.web.uploads import MOST_BYTES

log = logging.getLogger("fashion.web")

photos = Blueprint("photos", __name__)

state = Blueprint("state", __name__)

#: The script that draws the report's map, and the shop's.
DRAWING, DRAWN = (Path(str(files(projection))) / folder for folder in ("static", "templates"))

drawing = Blueprint(
    "drawing",
    __name__,
    static_folder=DRAWING,
    static_url_path="/drawing",
    template_folder=DRAWN,
)


#: Text is compressed from 2 kB. Pages that repeat a visitor's words may be compressed too (BREACH): without users or
#: cookies, no page holds a secret. Level 1 takes a millisecond and gains most.
COMPRESSION = {
    "COMPRESS_ALGORITHM": ["gzip"], "COMPRESS_ALGORITHM_STREAMING": ["gzip"], "COMPRESS_LEVEL": 1,
    "COMPRESS_MIN_SIZE": 2048, "COMPRESS_STREAMING_ENDPOINT_CONDITIONAL": ["static", "drawing.static"],
}  # fmt: skip


class InMemory(Request):
    """A request whose files stay in memory; werkzeug would write large ones to disk."""

    def _get_file_stream(self, *_: Any, **__: Any) -> IO[bytes]:
        return io.BytesIO()


def create_app(
    window: Window,
    buckets: Buckets | None = None,
    at_once: int = 4,
    *,
    hosts: Collection[str] = (),
    origins: Collection[str] = (),
    indexed: bool = False,
    metrics: Metrics | None = None,
    read_photo: ReadPhoto = read_here,
    judgements: Path | None = None,
    judgement_buckets: Buckets | None = None,
) -> Flask:
    """Make the application.

    Parameters
    ----------
    window : Window
        The shop to serve.
    buckets : Buckets, optional
        Rate limit on photos from one visitor.
    at_once : int
        Photos processed at a time, of all visitors.
    hosts : collection of str
        Names by which the shop may be asked for, without ports; any where none is given.
    origins : collection of str
        Origins whose scripts may read the API and whose pages may show photos, such as "https://shop.example".
    indexed : bool
        Let search engines show the shop.
    metrics : Metrics, optional
        What counts the requests.
    read_photo : callable
        What turns photos into queries.
    judgements : Path, optional
        File to which the page /judge adds people's judgements; without one there is no such page.
    judgement_buckets : Buckets, optional
        Rate limit on judgements from one visitor.
    """
    app = Flask(__name__, static_folder="static", template_folder="templates")
    app.request_class = InMemory
    app.config["MAX_CONTENT_LENGTH"] = MOST_BYTES + 64 * 1024
    app.config["MAX_FORM_MEMORY_SIZE"] = 512 * 1024
    app.config["MAX_FORM_PARTS"] = 20
    app.config |= COMPRESSION
    app.config["TRUSTED_HOSTS"] = list(hosts) or None
    app.config["INDEXED"] = indexed
    app.url_map.merge_slashes = False  # a redirect would name the host that was asked for
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    metrics = metrics or Metrics()
    turns = Turns(buckets or Buckets(), at_once)
    app.extensions |= {"window": window, "turns": turns, "pictures": Pictures(), "metrics": metrics}
    app.extensions["answers"] = Kept(ANSWERS_HELD, len)
    app.extensions |= {"refusal": refusal, "read_photo": read_photo}
    watch(app, metrics)
    add_headers(app)
    add_origins(app, origins)
    add_static_addresses(app)
    Compress(app)
    add_revalidation(app)
    for blueprint in (pages, api, photos, state, drawing):
        app.register_blueprint(blueprint)
    if judgements is not None:
        app.extensions["judgements"] = Judgements.of_file(judgements, window.shop())
        app.extensions["judgement_buckets"] = judgement_buckets or Buckets(BURST, PER_SECOND)
        app.register_blueprint(judging)
    app.register_error_handler(Exception, failed)
    return app


def add_static_addresses(app: Flask) -> None:
    """Name static files by their content, so that browsers may keep them for good."""
    folders = {"static": Path(app.static_folder or ""), "drawing.static": DRAWING}

    @cache
    def checksum(endpoint: str, filename: str) -> str:
        return hashlib.sha256((folders[endpoint] / filename).read_bytes()).hexdigest()[:12]

    @app.template_global()
    def static_address(filename: str, endpoint: str = "static") -> str:
        return url_for(endpoint, filename=filename, v=checksum(endpoint, filename))

    @app.after_request
    def lasting(response: Response) -> Response:
        endpoint = request.endpoint if response.status_code in (200, 304) else None
        if endpoint in folders and request.args.get("v") == checksum(endpoint, (request.view_args or {})["filename"]):
            response.headers["Cache-Control"] = "public, max-age=31536000, immutable"
        return response


def failed(error: Exception) -> BaseResponse:
    """An error as JSON or as a page, without internals."""
    if isinstance(error, HTTPException) and (error.response is not None or (error.code or 500) < 400):
        return error.get_response()
    status, title, detail = told(error)
    if request.path.startswith("/api/"):
        answer = problem(status, title, detail)
    else:
        try:
            page = render_template("lost.html", shop=shop_now(), ask=Ask(), message=detail)
        except Exception:
            page = f"{title}\n"
        answer = Response(page, status)
    if isinstance(error, MethodNotAllowed) and error.valid_methods:
        answer.headers["Allow"] = ", ".join(sorted(error.valid_methods))
    return answer


def refusal(app: Flask, base: str, path: str, status: int, detail: str) -> Response:
    """The answer to a request that never reaches the application, such as one with too large a body."""
    with app.test_request_context(path, base_url=base):
        error = default_exceptions.get(status, BadRequest)(detail)
        return app.process_response(app.make_response(failed(error)))


def told(error: Exception) -> tuple[int, str, str]:
    """Status, title and text of an error for visitors; details go to the log."""
    if isinstance(error, HTTPException):
        return error.code or 500, error.name, str(error.description)
    if isinstance(error, QueryError | PhotoError):
        return 400, "Bad Request", str(error)
    if isinstance(error, FashionError):  # such as networks that are missing while a new report is made
        log.warning("unavailable: %s %s: %s", request.method, request.path, error)
        return 503, "Service Unavailable", "Temporarily unavailable. Try again in a minute."
    log.exception("a request failed: %s %s", request.method, request.path)
    return 500, "Internal Server Error", "Something went wrong. Try again in a moment."


@photos.get("/photo")
def photo() -> Response:
    """An item's photo; browsers may cache it, as its address changes with the report."""
    shop = shop_now()
    name, size = request.args.get("id", ""), request.args.get("size", "small")
    if name not in shop.rows or size not in EDGES:
        abort(404, "There is no such photo.")
    try:
        data, kind = current_app.extensions["pictures"].get(shop, shop.rows[name], size)
    except PhotoError:
        abort(404, "This photo has been removed since the report was made.")
    answer = Response(data, mimetype=kind)
    answer.set_etag(f"{shop.items['sha256'].iloc[shop.rows[name]][:20]}-{size}")
    # An older report's address still answers, but must not be cached: its photo may have been a different one.
    lasting = request.args.get("v") == shop.version
    answer.headers["Cache-Control"] = "public, max-age=31536000, immutable" if lasting else "no-cache"
    answer.make_conditional(request)  # 304 where the browser has it
    return answer


@state.get("/healthz")
def healthz() -> Response:
    """Health check: the catalogue, its number of items, the report by its version, and the program's version."""
    shop = shop_now()
    told = {"catalogue": shop.title, "items": len(shop.items), "report": shop.version, "version": __version__}
    return jsonify({"status": "ok"} | told)


@state.get("/metrics")
def metrics() -> Response:
    """Request counts and latencies in Prometheus's text format."""
    return Response(current_app.extensions["metrics"].text(), mimetype="text/plain; version=0.0.4")
