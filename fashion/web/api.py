"""The shop window as JSON, under /api/v1, with its OpenAPI document."""

from __future__ import annotations

import json
from http import HTTPStatus
from typing import Any

from flask import Blueprint, Response, current_app, jsonify, render_template, request

from fashion.core.errors import PhotoError
from fashion.recommendation.filters import QueryError
from fashion.web.openapi import (
    Document,
    Filters,
    Item,
    ItemsPage,
    MapFields,
    Similar,
    SimilarToPhoto,
    described,
    document,
)
from fashion.web.pages import card, cards, photo_query, recommended, shop_now
from fashion.web.parameters import (
    BALANCE,
    BROWSING,
    FEEDBACK,
    LONGEST_LIST,
    PAGE,
    Ask,
    number,
    only,
    read_ask,
    similar,
    whole,
)
from fashion.web.searching import search
from fashion.web.security import NotNow
from fashion.web.shop import Shop
from fashion.web.uploads import open_upload, sent_photo

#: Bytes of answers that are kept, and characters of an address at most.
ANSWERS_HELD, LONGEST_KEPT = 16 * 2**20, 200

api = Blueprint("api", __name__, url_prefix="/api/v1")

#: What routes read beside filters: as their documents say, and as `read_ask` takes it.
SIMILAR, TO_PHOTO = ("q", *FEEDBACK, *BALANCE, "id", "k", "diversity"), ("q", *FEEDBACK, *BALANCE, "k")


def problem(status: int, title: str, detail: str) -> Response:
    """An error as problem details (RFC 9457)."""
    answer = jsonify({"type": "about:blank", "title": title, "status": status, "detail": detail})
    answer.status_code = status
    answer.content_type = "application/problem+json"
    return answer


@api.errorhandler(QueryError)
@api.errorhandler(PhotoError)
def wrong(error: Exception) -> Response:
    """A bad request."""
    return problem(400, "Bad Request", str(error))


@api.errorhandler(NotNow)
def later(error: NotNow) -> Response:
    """A photo that is refused for now."""
    answer = problem(error.status, HTTPStatus(error.status).phrase, str(error))
    answer.headers["Retry-After"] = str(error.seconds)
    return answer


def described_here() -> bytes:
    """The OpenAPI document of the shop that answers this request, below its prefix, as JSON; made once for each."""
    shop = shop_now()

    def make() -> bytes:
        words = {column: words for column, (words, _) in shop.facets.items()}
        told = document(current_app, words, f"{request.script_root}/api/v1")
        return json.dumps(told, ensure_ascii=False).encode()

    kept: bytes = current_app.extensions["answers"].get((shop.stamp, request.script_root, "openapi"), make)
    return kept


@api.get("/openapi.json")
@described(Document)
def openapi() -> Response:
    """This document."""
    return Response(described_here(), mimetype="application/json")


@api.get("/docs")
def docs() -> str:
    """The OpenAPI document as a page."""
    return render_template("docs.html", shop=shop_now(), ask=Ask(), api=json.loads(described_here()))


@api.get("/items")
@described(ItemsPage, *BROWSING, filters=True, errors=[400])
def items() -> Response:
    """A page of items, filtered or searched."""
    shop = shop_now()
    ask = read_ask(request.args, shop)
    results = search(shop, ask)
    return jsonify({
        "total": results.total, "matching": 0 if results.nothing else results.exact, "page": ask.page, "per_page": PAGE,
        "understood": results.reading.as_dict() if results.reading is not None else None,
        "items": cards(shop, results.rows),
    })  # fmt: skip


@api.get("/item")
@described(Item, "id", errors=[400, 404])
def item() -> Response:
    """One item."""
    shop = shop_now()
    only(request.args, ("id",))
    name = request.args.get("id", "")
    if name not in shop.rows:
        return no_such_item(name)
    row = shop.rows[name]
    words = {column: str(shop.items[column].iloc[row]) for column in shop.facets}
    place = shop.xy[row].tolist() if shop.xy is not None and row < len(shop.xy) else None
    return jsonify(card(shop, row) | {"facts": words, "map": place})


@api.get("/similar")
@described(Similar, *SIMILAR, filters=True, errors=[400, 404])
def similar_to() -> Response:
    """The items most similar to an item."""
    shop = shop_now()
    if request.args.get("id", "") not in shop.rows or len(request.query_string) > LONGEST_KEPT:
        return _similar_to(shop)
    key = shop.stamp, request.script_root, request.query_string
    body = current_app.extensions["answers"].get(key, lambda: _similar_to(shop).get_data())
    return Response(body, mimetype="application/json")


def _similar_to(shop: Shop) -> Response:
    ask = read_ask(request.args, shop, SIMILAR)
    k = whole(request.args, "k", shop.recommender.k, 1, max(LONGEST_LIST, shop.recommender.k))
    diversity = number(request.args, "diversity", 0, 0, 1)
    name = request.args.get("id", "")
    if name not in shop.rows:
        return no_such_item(name)
    query = shop.recommender.item_query(name)
    if ask.words:
        query = shop.recommender.words_query(ask.words, query)
    told = query.reading.as_dict() if query.reading is not None else None
    items = recommended(shop, similar(shop, query, ask, k, diversity))
    return jsonify({"id": name, "understood": told, "items": items})


@api.post("/similar-to-photo")
@described(SimilarToPhoto, *TO_PHOTO, filters=True, errors=[400, 413, 429, 503], photo=True)
def similar_to_photo() -> Response:
    """The items most similar to a photo, sent as a form's `photo` or as the body; it is never stored."""
    shop = shop_now()
    with current_app.extensions["turns"].turn(request.remote_addr or ""):
        ask = read_ask(request.args, shop, TO_PHOTO)
        k = whole(request.args, "k", shop.recommender.k, 1, max(LONGEST_LIST, shop.recommender.k))
        given = sent_photo(request.files)
        data = request.get_data(cache=False) if given is None else given
        query = photo_query(shop, open_upload(data), ask.words)
        seen = {column: query.description.get(column) for column in ("colour", "category")}
        return jsonify({
            "seen": seen, "resembles_nothing": query.unlike,
            "understood": query.reading.as_dict() if query.reading is not None else None,
            "items": recommended(shop, similar(shop, query, ask, k)),
        })  # fmt: skip


@api.get("/facets")
@described(Filters, "q", filters=True, errors=[400])
def facets() -> Response:
    """Each filter's words and how many items each matches."""
    shop = shop_now()
    ask = read_ask(request.args, shop, ("q",))
    filters: dict[str, Any] = {}
    for column, counts in shop.counts(ask.chosen, search(shop, ask).matching if ask.words else None).items():
        filters[column] = [
            {"word": w, "items": n} | ({"hex": shop.swatch(w)} if column == "colour" else {}) for w, n in counts
        ]
    return jsonify(filters)


@api.get("/map")
@described(MapFields, "v", errors=[400, 404])
def chart() -> Response:
    """Every item on the map: its place, its words and its garment's colour."""
    shop = shop_now()
    only(request.args, ("v",))
    if shop.xy is None:
        return problem(404, "Not Found", "This report has no map.")
    packed = bool(request.accept_encodings["gzip"])
    answer = Response(shop.packed_chart if packed else shop.chart, mimetype="application/json")
    if packed:
        answer.headers["Content-Encoding"] = "gzip"
    lasting = request.args.get("v") == shop.version
    answer.headers["Cache-Control"] = "public, max-age=31536000, immutable" if lasting else "no-cache"
    return answer


def no_such_item(name: str) -> Response:
    """The answer to a name that is no item's."""
    detail = f"expected an item of the catalogue; found {name[:80]!r}. /api/v1/items lists those that there are."
    return problem(404, "Not Found", detail)
