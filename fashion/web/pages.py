"""The shop window's pages, which work without JavaScript.

Unknown parameters are ignored, and left out of the pages' own links.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any
from urllib.parse import quote, urlencode

import numpy as np
from flask import Blueprint, abort, current_app, g, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from fashion.core.errors import PhotoError
from fashion.core.numerals import number_word
from fashion.photos.measures import DecodedPhoto
from fashion.recommendation.filters import QueryError
from fashion.recommendation.queries import Query
from fashion.recommendation.reading import QUOTES, Reading
from fashion.recommendation.reasons import UNLIKE, describe
from fashion.web import photo_links
from fashion.web.parameters import BALANCE, FEEDBACK, LONGEST, PAGE, Ask, Similar, read_ask, similar, usual_ask
from fashion.web.searching import search, within
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


def cards(shop: Shop, rows: Iterable[int], ask: Ask | None = None, here: str = "") -> list[dict[str, Any]]:
    """The cards of some rows; their links keep the requested balance.

    `here` is the page's own address, to which a card's buttons add that it is liked or not.
    """
    kept = "".join(f"&{name}={value}" for name, value in ask.balance()) if ask else ""
    at, photo_at = url_for("pages.item"), url_for("photos.photo")  # once: an address by Flask costs as much as a card
    entries = []
    for row in rows:
        record: dict[Hashable, Any] = {column: values[row] for column, values in shop.shown.items()}
        name, described = quoted(record["item"]), describe(record)
        entries.append({
            "item": record["item"], "title": record.get("title") or described or record["item"],
            "description": described, "colour": record.get("colour", ""),
            "category": record.get("category", ""), "department": record.get("department", ""),
            "brand": record.get("brand", ""), "price": record.get("price", ""), "link": record.get("link", ""),
            "hex": record["garment_hex"],
            "href": f"{at}?id={name}{kept}",
            "photo": f"{photo_at}?id={name}&size=small&v={shop.version}",
            "large": f"{photo_at}?id={name}&size=large&v={shop.version}",
            "width": record["width"], "height": record["height"],
        } | ({"more": f"{here}&like={name}#found", "less": f"{here}&unlike={name}#found"} if here else {}))  # fmt: skip
    return entries


def card(shop: Shop, row: int) -> dict[str, Any]:
    """The card of a row."""
    return cards(shop, [row])[0]


def recommended(shop: Shop, results: Similar, ask: Ask | None = None, here: str = "") -> list[dict[str, Any]]:
    """Cards of recommendations, with their reasons."""
    entries = cards(shop, results.rows, ask, here)
    return [
        one | {"reasons": why, "similarity": close, "rank": rank}
        for rank, (one, why, close) in enumerate(
            zip(entries, results.reasons, results.similarity, strict=True), start=1
        )
    ]


def chosen_items(shop: Shop, ask: Ask, here: Callable[..., str]) -> dict[str, list[dict[str, Any]]]:
    """The liked and disliked items as cards, each with the address without it; `here` makes the page's address."""
    chosen = {}
    for kind, names in (("like", ask.like), ("unlike", ask.unlike)):
        chosen[kind] = [
            card(shop, shop.rows[name]) | {"without": here(**{kind: tuple(n for n in names if n != name)})}
            for name in names
        ]
    return chosen


@pages.get("/")
def browse() -> str | Response | tuple[str, int]:
    """The page for browsing, filtering and searching."""
    shop = shop_now()
    try:
        ask = read_ask(request.args, shop, strict=False)
    except QueryError as error:
        again = Ask(words=request.args.get("q", "")[:200])
        return render_template("lost.html", shop=shop, ask=again, message=str(error)), 400
    results = search(shop, ask)
    if results.reading is not None and results.reading.item:
        kept = [("id", results.reading.item), ("words", results.reading.beside)]
        # An item's page is neither sorted nor bounded by prices.
        return redirect(url_for("pages.item") + ask.address(words="", sort="", prices=(-np.inf, np.inf), more=kept))
    last = max(1, -(-results.total // PAGE))
    if ask.page > last:
        return redirect(url_for("pages.browse") + ask.address(page=last))
    home = url_for("pages.browse")
    here = home + ask.address() if results.reading else ""
    among = results.matching
    if np.isfinite(ask.prices).any():
        among = within(shop, ask.prices) & (True if among is None else among)
    return render_template(
        "browse.html", shop=shop, ask=ask, results=results, cards=cards(shop, results.rows, ask, here), last=last,
        said=understood(results.reading),
        feedback=chosen_items(shop, ask, lambda **new: home + ask.address(**new)),
        facets={column: facet(shop, ask, column, counts) for column, counts in shop.counts(ask.chosen, among).items()},
    )  # fmt: skip


def understood(reading: Reading | None) -> str:
    """The words as they were understood, for the page; empty without a search."""
    if reading is None:
        return ""
    asked = reading.asked
    kinds = [column for column in ("category", "department") if column in asked][:1]
    columns = [column for column in asked if column not in ("category", "department")]
    said = [" or ".join(asked[column]) for column in (*columns, *kinds)]
    said += [f"“{word}” in its texts" for word in reading.texts]
    return " · ".join([*said, *reading.conditions])


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
    """The page of an item and its most similar items, changed by words and by items that are liked or not."""
    shop = shop_now()
    name = request.args.get("id", "")
    if name not in shop.rows:
        abort(404, f"There is no item {name[:80]!r} here. It may have been removed from the catalogue.")
    try:
        ask = read_ask(request.args, shop, ("id", "words", *FEEDBACK, *BALANCE), strict=False)
    except QueryError as error:
        return render_template("lost.html", shop=shop, ask=Ask(), message=str(error)), 400
    row, words = shop.rows[name], request.args.get("words", "").strip()[:LONGEST]

    def here(**new: Any) -> str:
        return url_for("pages.item") + ask.address(more=[("id", name), ("words", words)], **new)

    query = shop.recommender.item_query(name)
    query = shop.recommender.words_query(words, query) if words else query
    suggestions = recommended(shop, similar(shop, query, ask), ask, here())
    record = shop.items.iloc[row].to_dict()
    facts = [(column, str(record[column])) for column in shop.facets if record.get(column)]
    on_map = shop.xy is not None and row < len(shop.xy)
    described = [(column, str(record[column])) for column in ("colour", "category") if record.get(column)]
    same = url_for("pages.browse") + "?" + urlencode(described) if described else ""
    all_of = " ".join(["All", str(record.get("colour") or ""), plural(str(record.get("category") or "item"))])
    map_address = url_for("pages.map_page") + "?" + urlencode({"id": name})
    return render_template(
        "item.html", shop=shop, ask=ask, card=card(shop, row), facts=facts, results=suggestions, same=same,
        all_of=all_of, on_map=on_map, map_address=map_address, words=words, reading=query.reading,
        said=understood(query.reading), feedback=chosen_items(shop, ask, here),
    )  # fmt: skip


@pages.get("/look")
def look() -> str | tuple[str, int]:
    """The form for a visitor's photo, or the results that an address holds."""
    shop = shop_now()
    if "seen" not in request.args:
        return looked(shop)
    try:
        ask = read_ask(request.args, shop, (*photo_links.NAMES, *FEEDBACK, *BALANCE), strict=False)
        query, words = photo_links.read(request.args, shop), request.args.get("words", "").strip()[:LONGEST]
        return looked(shop, ask, query, words, corrections=photo_links.corrections(request.args))
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
            return looked(shop, ask, query, request.form.get("words", "").strip()[:LONGEST], as_address(photo)), 200, {}
    except NotNow as error:
        return looked(shop, message=str(error)), error.status, {"Retry-After": str(error.seconds)}
    except (PhotoError, QueryError) as error:
        return looked(shop, message=str(error)), 400, {}


def looked(
    shop: Shop, ask: Ask | None = None, query: Query | None = None, words: str = "", photo: str = "", message: str = "",
    corrections: Mapping[str, str] | None = None,
) -> str:  # fmt: skip
    """The page of a visitor's photo, with results where there is a query; `corrections` of what was recognised."""
    ask, sent, results, feedback, reading = ask or usual_ask(shop), None, [], {}, None
    if query is not None:
        corrections = corrections or {}
        own = photo_links.as_pairs(shop, query)
        query = photo_links.corrected(query, corrections, shop)
        combined = shop.recommender.words_query(words, query) if words else query
        reading = combined.reading
        if reading and {"category", "department"} & set(reading.asked):  # then the words say what kind
            combined = replace(combined, where={c: v for c, v in combined.where.items() if c != "category"})
        told = [(f"as_{column}", word) for column, word in corrections.items()]

        def here(more: Sequence[tuple[str, str]] = told, **new: Any) -> str:
            return url_for("pages.look") + ask.address(more=[*own, *more, ("words", words)], **new)

        results = recommended(shop, similar(shop, combined, ask), ask, here())
        feedback = chosen_items(shop, ask, here)
        chosen = [(kind, name) for kind, names in (("like", ask.like), ("unlike", ask.unlike)) for name in names]
        layout = shop.recommender.layout
        assert layout is not None  # a shop shows the described embedding
        seen = []
        for column, known in (("colour", layout.colours), ("category", layout.categories)):
            without = here([*(pair for pair in told if pair[0] != f"as_{column}"), (f"as_{column}", photo_links.ANY)])
            one = {"column": column, "word": query.description.get(column, ""), "words": known, "without": without}
            seen += [one] if len(known) > 1 else []
        sent = {
            "photo": photo, "seen": seen, "kept": [*own, *told], "asked": understood(reading), "any": photo_links.ANY,
            "all": [*own, ("words", words), *ask.filters(), *ask.balance(), *chosen], "address": here(),
            "unlike": UNLIKE if query.unlike else "",
        }  # fmt: skip
    return render_template("look.html", shop=shop, ask=ask, sent=sent, results=results, message=message, kinds=TYPES,
                           count=number_word(shop.recommender.k), words=words, reading=reading,
                           said=understood(reading), feedback=feedback)  # fmt: skip


def photo_query(shop: Shop, photo: DecodedPhoto, words: str = "") -> Query:
    """The query of a photo, changed by words if there are any."""
    query = current_app.extensions["read_photo"](shop, photo, "your photo")
    return shop.recommender.words_query(words, query) if words else query


#: What a visitor may do with the map; one finger scrolls past it.
HINT = "Scroll, or pinch with two fingers, to zoom: photos appear. Choose an item to see what is similar."


@pages.get("/map")
def map_page() -> str:
    """The page of the t-SNE map."""
    shop = shop_now()
    if shop.xy is None:
        abort(404, "This report has no map.")
    name = request.args.get("id", "")
    read = {
        "source": f"{url_for('api.chart')}?v={shop.version}", "nearest_by": url_for("api.similar_to"),
        "photo": f"{url_for('photos.photo')}?size=small&v={shop.version}", "item": url_for("pages.item"),
    }  # fmt: skip
    if name in shop.rows and shop.rows[name] < len(shop.xy):
        read["here"] = name
    return render_template("map.html", shop=shop, ask=Ask(), canvas_data=read, hint=HINT)


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


@pages.get("/logo")
def logo() -> Response:
    """The catalogue's logo."""
    picture = shop_now().logo
    if picture is None:
        abort(404, "This catalogue has no logo.")
    answer = Response(picture[0], mimetype=picture[1])
    answer.headers["Cache-Control"] = "public, max-age=31536000, immutable"
    return answer


@pages.get("/similar.js")
def similar_script() -> Response:
    """The script that shows similar items on other sites' pages; as its address stays, browsers keep it for a day."""
    answer = current_app.send_static_file("similar.js")
    answer.headers["Cache-Control"] = "public, max-age=86400"
    return answer


@pages.get("/robots.txt")
def robots() -> Response:
    """robots.txt: search engines may read nothing, unless the operator allows it."""
    rule = "Allow: /" if current_app.config.get("INDEXED") else "Disallow: /"
    return Response(f"User-agent: *\n{rule}\n", mimetype="text/plain")


@pages.app_context_processor
def common() -> dict[str, Any]:
    """Variables for every page's template."""
    return {
        "indexed": current_app.config.get("INDEXED", False),
        "unbounded": (-np.inf, np.inf),
        "per_page": PAGE,
        "judging": "judgements" in current_app.extensions,
    }


@pages.app_template_global("other_colour")
def other_colour(colour: str) -> str:
    """An example of what may be changed: the most frequent other colour of the catalogue."""
    words = shop_now().facets.get("colour", ([], None))[0]
    return next((f"in {word}" for word in words if word != colour), "")


@pages.app_template_filter("verbatim")
def verbatim(text: str, word: str) -> str:
    """A search with one of its words in quotation marks, so that it is not corrected.

    Examples
    --------
    >>> verbatim("red jaket", "jaket")
    'red "jaket"'
    >>> verbatim("“tea dress” jaket", "jaket")
    '"tea dress" "jaket"'
    """
    parts = QUOTES.split(text)  # every second one is quoted
    parts[::2] = [re.sub(rf"(?<!\w){re.escape(word)}(?!\w)", lambda _: f'"{word}"', part) for part in parts[::2]]
    parts[1::2] = [f'"{part}"' for part in parts[1::2]]
    return "".join(parts)


@pages.app_template_filter("named")
def named(pairs: Iterable[tuple[str, str]], name: str) -> str:
    """The value of a parameter among pairs; empty for none."""
    return dict(pairs).get(name, "")


@pages.app_template_filter("reasons")
def short_reasons(records: Sequence[Mapping[str, Any]]) -> tuple[str, list[str]]:
    """The reason that all of a list share, and for each item a line with what tells it apart.

    Examples
    --------
    >>> short_reasons([{"reasons": "same colour; kind 0.90; looks 0.71"}, {"reasons": "same colour; looks 0.43"}])
    ('same colour', ['looks 0.71', 'looks 0.43'])
    >>> short_reasons([{"reasons": "same colour; looks 0.71"}, {"reasons": "another colour; looks 0.43"}])
    ('', ['same colour · looks 0.71', 'another colour · looks 0.43'])
    """
    told = [one["reasons"].split("; ") for one in records]
    firsts = {parts[0] for parts in told}
    common = told[0][0] if len(told) > 1 and len(firsts) == 1 and all(len(parts) > 1 for parts in told) else ""
    return common, [parts[-1] if common or len(parts) == 1 else f"{parts[0]} · {parts[-1]}" for parts in told]


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
