"""A page of browsing or searching: its items, how many match, and how the words were read."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fashion.recommendation.queries import Query, read_query
from fashion.recommendation.reading import Reading
from fashion.web.parameters import PAGE, Ask
from fashion.web.shop import Shop

#: Results of a search at most, beside all that match every word.
MOST_FOUND = 480

#: Items at most from which near-duplicates are left out: each is compared with those before it, while somebody waits.
MOST_COMPARED = 2400


@dataclass(frozen=True)
class Results:
    """One page of a list.

    Attributes
    ----------
    rows : ndarray of int
        The page's items.
    total : int
        Items on all pages.
    exact : int
        The first ones of them, which match all that was asked for.
    matching : ndarray of bool, shape (n,), or None
        Of a search: items that match its words, whatever the filters; None where none or all do.
    reading : Reading or None
        How the words were read.
    """

    rows: NDArray[np.integer]
    total: int
    exact: int
    matching: NDArray[np.bool_] | None = None
    reading: Reading | None = None

    @property
    def nothing(self) -> bool:
        """Whether words were given and none of them was understood."""
        return self.reading is not None and not self.reading


def search(shop: Shop, ask: Ask) -> Results:
    """The page of an address: in a fixed, mixed order for browsing; for a search what matches all words first.

    A search of which no word is understood shows all items; an item's number alone shows the item.
    """
    allowed = shop.mask(ask.chosen) & within(shop, ask.prices)
    reading = shop.words_reader.read(ask.words) if ask.words else None
    layout = shop.recommender.layout
    query = read_query(reading, shop.items, layout, shop.words_reader) if reading and layout is not None else None
    if reading is not None and query is None and reading.item:
        row = shop.rows[reading.item]
        return Results(np.array([row]), 1, 1, reading=reading)
    if query is None:
        rows = sorted_rows(shop, shop.order[allowed[shop.order]], ask.sort)
        return Results(_page(rows, ask), len(rows), len(rows), reading=reading)
    assert query.exact is not None
    matching = query.exact
    if ask.like or ask.unlike:  # then by similarity alone
        query, matching = shop.recommender.refined(query, ask.like, ask.unlike), np.zeros(len(allowed), bool)
    return _searched(shop, ask, query, allowed, matching)


def _searched(
    shop: Shop, ask: Ask, query: Query, allowed: NDArray[np.bool_], matching: NDArray[np.bool_]
) -> Results:  # fmt: skip
    def ranked(count: int) -> NDArray[np.integer]:
        return shop.recommender.ranked(
            query, count, among=allowed, colour_weight=ask.colour, looks_weight=ask.looks, hide_duplicates=ask.hide
        )[0]

    exact = matching & allowed
    count = int(exact.sum())
    left = allowed & shop.words_reader.columns.mask(query.where) & (True if query.allowed is None else query.allowed)
    total = max(count, min(MOST_FOUND, int(left.sum())))
    if ask.hide:  # which near-duplicates are left out, only the list itself tells
        rows = ranked(max(1, min(total, MOST_COMPARED)))
        count, total = int(exact[rows].sum()), len(rows)
    elif ask.sort and count >= MOST_FOUND:  # then there are no others, and all that match are sorted without a ranking
        rows = shop.order[exact[shop.order]]
    elif ask.sort:
        rows = ranked(max(1, total))
    elif (ask.page - 1) * PAGE >= total:  # past the end: `total` tells where it is
        rows = np.empty(0, np.intp)
    else:
        rows = ranked(min(ask.page * PAGE, total))
    if ask.sort:
        rows = np.concatenate([sorted_rows(shop, part, ask.sort) for part in (rows[:count], rows[count:])])
    return Results(_page(rows, ask), total, count, matching if matching.any() else None, query.reading)


def _page(rows: NDArray[np.integer], ask: Ask) -> NDArray[np.integer]:
    return rows[(ask.page - 1) * PAGE : ask.page * PAGE]


def within(shop: Shop, prices: tuple[float, float]) -> NDArray[np.bool_]:
    """Items whose price lies within bounds, shape (n,); all where there are none."""
    if not np.isfinite(prices).any():
        return np.ones(len(shop.items), bool)
    return (shop.words_reader.prices >= prices[0]) & (shop.words_reader.prices <= prices[1])


def sorted_rows(shop: Shop, rows: NDArray[np.integer], sort: str) -> NDArray[np.integer]:
    """Rows by price or by date, those without one last; as they are where `sort` is empty."""
    if not sort:
        return rows
    if sort == "new":
        return rows[np.argsort(shop.age[rows], kind="stable")]
    prices = shop.words_reader.prices[rows]
    return rows[np.argsort(-prices if sort == "price-down" else prices, kind="stable")]
