"""The shop window's pages, which work without JavaScript.

Unknown parameters are ignored, and left out of the pages' own links.
"""

from __future__ import annotations

import re
from collections.abc import Hashable, Iterable, Sequence
from typing import Any
from urllib.parse import quote, urlencode

import numpy as np
import pandas as pd
from flask import Blueprint, abort, current_app, g, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from fashion.core.errors import PhotoError
from fashion.core.numerals import number_word
from fashion.photos.measures import DecodedPhoto
from fashion.recommendation.filters import QueryError
from fashion.recommendation.queries import Query
from fashion.recommendation.reasons import UNLIKE, describe
from fashion.web import photo_links
from fashion.web.parameters import BALANCE, PAGE, Ask, found_rows, in_words, read_ask, similar, usual_ask
from fashion.web.security import NotNow
from fashion.web.shop import Shop
from fashion.web.uploads import TYPES, as_address, open_upload, sent_photo

pages = Blueprint("pages", __name__)


def shop_now() -> Shop:
    """The shop that answers this request, the same one to its end."""
    if "shop" not in g:
        g.shop = current_app.extensions["window"].shop()
    shop: Shop = g.shop
    return shop


def cards(shop: Shop, rows: Iterable[int], ask: Ask | None = None) -> list[dict[str, Any]]:
    """The cards of some rows; their links keep the requested balance."""
    kept = "".join(f"&{name}={value}" for name, value in ask.balance()) if ask else ""
    at, photo_at = url_for("pages.item"), url_for("photos.photo")  # once: an address by Flask costs as much as a card
    entries = []
    for row in rows:
        record: dict[Hashable, Any] = {column: values[row] for column, values in shop.shown.items()}
        name = quoted(record["item"])
        entries.append({
            "item": record["item"], "title": describe(record) or record["item"], "colour": record.get("colour", ""),
            "category": record.get("category", ""), "department": record.get("department", ""),
            "hex": record["garment_hex"],
            "href": f"{at}?id={name}{kept}",
            "photo": f"{photo_at}?id={name}&size=small&v={shop.version}",
            "large": f"{photo_at}?id={name}&size=large&v={shop.version}",
            "width": record["width"], "height": record["height"],
        })  # fmt: skip
    return entries


def card(shop: Shop, row: int) -> dict[str, Any]:
    """The card of a row."""
    return cards(shop, [row])[0]


def recommended(shop: Shop, table: pd.DataFrame, ask: Ask | None = None) -> list[dict[str, Any]]:
    """Cards of recommendations, with their reasons."""
    entries = cards(shop, [shop.rows[name] for name in table["item"]], ask)
    return [
        one | {"reasons": why, "similarity": float(close), "rank": int(rank)}
        for one, why, close, rank in zip(entries, table["reasons"], table["similarity"], table["rank"], strict=True)
    ]


@pages.get("/")
def browse() -> str | tuple[str, int]:
    """The page for browsing, filtering and searching."""
    shop = shop_now()
    try:
        ask = read_ask(request.args, shop, strict=False)
        rows, total = found_rows(shop, ask)
        said = understood(in_words(shop, ask.words)) if ask.words else ""
    except QueryError as error:
        again = Ask(words=request.args.get("q", "")[:200])
        return render_template("lost.html", shop=shop, ask=again, message=str(error)), 400
    last = max(1, -(-total // PAGE))
    if ask.page > last:
        return redirect(url_for("pages.browse") + ask.address(page=last))  # type: ignore[return-value]
    return render_template(
        "browse.html", shop=shop, ask=ask, cards=cards(shop, rows, ask), total=total, last=last, said=said,
        facets={column: facet(shop, ask, column, counts) for column, counts in shop.counts(ask.chosen).items()},
    )  # fmt: skip


def understood(query: Query) -> str:
    """How a search in words was understood."""
    kinds = [column for column in ("category", "department") if column in query.description][:1]
    columns = [column for column in query.description if column not in ("category", "department")]
    return " · ".join(describe({"category": query.description[column]}) for column in (*columns, *kinds))


def facet(shop: Shop, ask: Ask, column: str, counts: Sequence[tuple[str, int]]) -> list[dict[str, Any]]:
    """The links of a filter: its words that match items or are chosen, with counts and addresses."""
    chosen = ask.chosen.get(column, ())
    left = [(word, count) for word, count in counts if count or word in chosen]
    home, swatches = url_for("pages.browse"), shop.swatches if column == "colour" else {}
    return [
        {"word": word, "count": f"{count:,}", "href": home + to, "chosen": word in chosen, "hex": swatches.get(word)}
        for (word, count), to in zip(left, ask.toggles(column, [word for word, _ in left]), strict=True)
    ]


@pages.get("/item")
def item() -> str | tuple[str, int]:
    """The page of an item and its most similar items."""
    shop = shop_now()
    name = request.args.get("id", "")
    if name not in shop.rows:
        abort(404, f"There is no item {name[:80]!r} here. It may have been removed from the catalogue.")
    try:
        ask = read_ask(request.args, shop, ("id", *BALANCE), strict=False)
    except QueryError as error:
        return render_template("lost.html", shop=shop, ask=Ask(), message=str(error)), 400
    row = shop.rows[name]
    suggestions = recommended(shop, similar(shop, shop.recommender.item_query(name), ask), ask)
    record = shop.items.iloc[row].to_dict()
    words = [(column, str(record[column])) for column in shop.facets if record.get(column)]
    on_map = shop.xy is not None and row < len(shop.xy)
    described = [(column, str(record[column])) for column in ("colour", "category") if record.get(column)]
    same = url_for("pages.browse") + "?" + urlencode(described) if described else ""
    all_of = " ".join(["All", str(record.get("colour") or ""), plural(str(record.get("category") or "item"))])
    map_address = url_for("pages.map_page") + "?" + urlencode({"id": name})
    return render_template(
        "item.html", shop=shop, ask=ask, card=card(shop, row), facts=words, found=suggestions, same=same, all_of=all_of,
        on_map=on_map, map_address=map_address,
    )  # fmt: skip


@pages.get("/look")
def look() -> str | tuple[str, int]:
    """The form for a visitor's photo, or the results that an address holds."""
    shop = shop_now()
    if "seen" not in request.args:
        return looked(shop)
    try:
        ask = read_ask(request.args, shop, (*photo_links.NAMES, *BALANCE), strict=False)
        return looked(shop, ask, photo_links.read(request.args, shop), request.args.get("words", "").strip())
    except QueryError as error:
        return looked(shop, message=str(error)), 400


@pages.post("/look")
def look_at() -> tuple[str, int, dict[str, str]]:
    """The items most similar to an uploaded photo, which is never stored."""
    shop = shop_now()
    try:
        with current_app.extensions["turns"].turn(request.remote_addr or ""):
            ask = read_ask(request.form, shop, ("words", *BALANCE), strict=False)
            photo = open_upload(sent_photo(request.files) or b"")
            query = photo_links.as_kept(photo_query(shop, photo))
            return looked(shop, ask, query, request.form.get("words", "").strip(), as_address(photo)), 200, {}
    except NotNow as error:
        return looked(shop, message=str(error)), error.status, {"Retry-After": str(error.seconds)}
    except (PhotoError, QueryError) as error:
        return looked(shop, message=str(error)), 400, {}


def looked(
    shop: Shop, ask: Ask | None = None, query: Query | None = None, words: str = "", photo: str = "", message: str = ""
) -> str:
    """The page of a visitor's photo, with results where there is a query; raises QueryError for unknown words."""
    ask, sent, results = ask or usual_ask(shop), None, []
    if query is not None:
        asked = shop.recommender.words_query(words, query) if words else query
        results = recommended(shop, similar(shop, asked, ask), ask)
        kept = photo_links.as_pairs(shop, query, words)
        address = url_for("pages.look") + ask.address(more=kept)
        sent = {"photo": photo, "said": describe(asked.description), "kept": kept, "address": address,
                "unlike": UNLIKE if query.unlike else ""}  # fmt: skip
    return render_template("look.html", shop=shop, ask=ask, sent=sent, found=results, message=message, kinds=TYPES,
                           count=number_word(shop.recommender.k))  # fmt: skip


def photo_query(shop: Shop, photo: DecodedPhoto, words: str = "") -> Query:
    """The query of a photo, changed by words if there are any."""
    query = shop.reader().query(photo, "your photo")
    return shop.recommender.words_query(words, query) if words else query


@pages.get("/map")
def map_page() -> str:
    """The page of the t-SNE map."""
    shop = shop_now()
    if shop.xy is None:
        abort(404, "This report has no map.")
    name = request.args.get("id", "")
    here = card(shop, shop.rows[name]) if name in shop.rows and shop.rows[name] < len(shop.xy) else None
    near = []
    if here:
        row = shop.rows[name]
        distance = ((shop.xy - shop.xy[row]) ** 2).sum(axis=1)
        distance[row] = np.inf  # several may lie on one spot
        near = cards(shop, np.argsort(distance, kind="stable")[: min(12, len(distance) - 1)])
    return render_template("map.html", shop=shop, ask=Ask(), here=here, near=near)


@pages.get("/map.png")
def still_map() -> Response:
    """The report's static figure of the map, for visitors without JavaScript."""
    shop = shop_now()
    if shop.still is None:
        abort(404, "This report has no figure of its map.")
    answer = Response(shop.still, mimetype="image/png")
    lasting = request.args.get("v") == shop.version
    answer.headers["Cache-Control"] = "public, max-age=31536000, immutable" if lasting else "no-cache"
    return answer


@pages.app_template_filter("capital")
def capital(text: str) -> str:
    """A text with a capital first letter."""
    return text[:1].upper() + text[1:]


@pages.app_template_filter("plural")
def plural(noun: str) -> str:
    """An English noun's plural, by its ending.

    Examples
    --------
    >>> [plural(noun) for noun in ("short dress", "boots", "category", "scarf", "knitwear", "jacket")]
    ['short dresses', 'boots', 'categories', 'scarves', 'knitwear', 'jackets']
    """
    if re.search("(ss|sh|ch|x)$", noun):
        return noun + "es"
    if re.search("(s|wear|ware|equipment|furniture|cutlery|stationery)$", noun):
        return noun
    return re.sub("arf$", "arve", re.sub("(?<=[^aeiou])y$", "ie", noun)) + "s"


@pages.app_template_filter("quoted")
def quoted(text: str) -> str:
    """A text escaped for an address."""
    return quote(text, safe="")
