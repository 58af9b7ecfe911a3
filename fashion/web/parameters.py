"""A request's parameters, read from its address and checked."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple
from urllib.parse import quote_plus, urlencode

import numpy as np
from werkzeug.datastructures import MultiDict

from fashion.catalogue.translation import british
from fashion.core.defaults import COLOUR_WEIGHT, LOOKS_WEIGHT, Preferences
from fashion.core.errors import did_you_mean
from fashion.recommendation.filters import QueryError, values_of
from fashion.recommendation.queries import Query
from fashion.web.shop import SORTS, Shop

#: Items on a page.
PAGE = 48

#: Parameters of the balance between looks, kind and colour, and all that browsing and searching read beside filters.
BALANCE = ("colour_weight", "looks_weight", "hide")

FEEDBACK = ("like", "unlike")

BROWSING = ("q", "page", "sort", "price_from", "price_to", *FEEDBACK, *BALANCE)

#: Liked or disliked items of an address at most.
MOST_CHOSEN = 20

#: Characters of a search, and items of a list of similar ones, at most.
LONGEST, LONGEST_LIST = 200, 60


@dataclass(frozen=True)
class Ask:
    """The filters, words, page and balance of an address.

    Attributes
    ----------
    words : str
        What is searched for; empty for browsing.
    chosen : dict of str to tuple of str
        Filters.
    page : int
        From 1.
    colour, looks : float
        Share of the colour beside the kind, and of the looks in the whole, 0 to 1.
    hide : bool
        Hide near-duplicates.
    sort : str
        One of `SORTS`, or empty for the usual order.
    prices : tuple of float
        Lowest and highest price; infinite where it is open.
    like, unlike : tuple of str
        Items that results should be like, and less like.
    usual : Preferences
        The report's own weights, which an address need not name.
    """

    words: str = ""
    chosen: dict[str, tuple[str, ...]] = field(default_factory=dict)
    page: int = 1
    colour: float = COLOUR_WEIGHT
    looks: float = LOOKS_WEIGHT
    hide: bool = False
    usual: Preferences = field(default_factory=Preferences)
    sort: str = ""
    prices: tuple[float, float] = (-np.inf, np.inf)
    like: tuple[str, ...] = ()
    unlike: tuple[str, ...] = ()

    def address(self, **other: Any) -> str:
        """The query string, with some of it changed (page=2, chosen={}, sort=""), and with `more` parameters."""
        pairs: list[tuple[str, str]] = [("q", other.get("words", self.words))]
        pairs += self.filters(other.get("chosen"))
        pairs += self.bounds(other.get("prices"))
        pairs += [("sort", other.get("sort", self.sort))]
        page = other.get("page", 1)
        pairs += [("page", str(page))] if page > 1 else []
        pairs += [*self.balance(), *other.get("more", ())]
        for name, items in (("like", self.like), ("unlike", self.unlike)):
            pairs += [(name, item) for item in other.get(name, items)]
        return "?" + urlencode([pair for pair in pairs if pair[1]])

    def filters(self, chosen: Mapping[str, Iterable[str]] | None = None) -> list[tuple[str, str]]:
        """Filters as parameters of an address: the chosen ones, or others."""
        chosen = self.chosen if chosen is None else chosen
        return [(column, value) for column, values in chosen.items() for value in values]

    def bounds(self, prices: tuple[float, float] | None = None) -> list[tuple[str, str]]:
        """Bounds of the price as parameters of an address: its own, or others."""
        ends = zip(("price_from", "price_to"), self.prices if prices is None else prices, strict=True)
        return [(name, f"{end:.10g}") for name, end in ends if np.isfinite(end)]

    def balance(self) -> list[tuple[str, str]]:
        """The balance where it differs from the default, as parameters of an address."""
        weights = (
            ("colour_weight", self.colour, self.usual.colour_weight),
            ("looks_weight", self.looks, self.usual.looks_weight),
        )
        pairs = [(name, f"{weight:g}") for name, weight, usual in weights if weight != usual]
        return pairs + ([("hide", "1")] if self.hide else [])

    def toggled(self, column: str, value: str) -> str:
        """The address with a filter's value added, or removed where it is chosen."""
        return self.toggles(column, [value])[0]

    def toggles(self, column: str, values: Iterable[str]) -> list[str]:
        """`toggled` for many values: their common part is built once."""
        old = self.chosen.get(column, ())
        now = self.address(chosen={**{c: v for c, v in self.chosen.items() if c != column}, column: old})
        more = f"{now}&{quote_plus(column)}=" if now != "?" else f"?{quote_plus(column)}="

        def without(value: str) -> str:
            return self.address(chosen={**self.chosen, column: tuple(v for v in old if v != value)})

        return [without(value) if value in old else more + quote_plus(value) for value in values]


def number(given: MultiDict, name: str, default: float, low: float, high: float) -> float:
    """A number from the address.

    Raises
    ------
    QueryError
        When it is no number, or outside its range.
    """
    text = given.get(name, "")
    if text == "":
        return default
    try:
        value = float(text)
    except ValueError:
        value = float("nan")
    if not low <= value <= high:
        raise QueryError(f"expected {name} from {low:g} to {high:g}; found {text[:40]!r}. Give a number in that range.")
    return value


def whole(given: MultiDict, name: str, default: int, low: int, high: int) -> int:
    """A whole number from the address; raises as `number`."""
    value = number(given, name, default, low, high)
    if value != int(value):
        raise QueryError(f"expected a whole number as {name}; found {given.get(name)!r}. Give it without decimals.")
    return int(value)


def flag(given: MultiDict, name: str) -> bool:
    """A yes or no from the address; raises QueryError for anything but 1, 0, on, off, true, false or nothing."""
    text = given.get(name, "").casefold()
    if text not in ("", "0", "1", "on", "off", "true", "false"):
        raise QueryError(f"expected 1 or 0 as {name}; found {text[:40]!r}. Give one of the two.")
    return text in ("1", "on", "true")


def read_ask(given: MultiDict, shop: Shop, reads: tuple[str, ...] = BROWSING, *, strict: bool = True) -> Ask:
    """Read an address.

    Parameters
    ----------
    given : MultiDict
        Its parameters.
    shop : Shop
    reads : tuple of str
        Parameters that have a meaning besides filters, here or for the caller.
    strict : bool
        Refuse any other parameter, as the API does: a program's slip must not pass unseen. Pages ignore them:
        newsletters and social networks add `utm_source`, `fbclid` and the like to every link.

    Raises
    ------
    QueryError
        For a word or a number that means nothing here, and where `strict` for such a parameter.
    """
    known = {*shop.facets, *reads}
    columns = {british(column): column for column in shop.facets}
    columns = {name: column for name in given if name not in known and (column := columns.get(british(name)))}
    if strict:
        only(set(given) - set(columns), known)
    chosen = {}
    for column, (words, _) in shop.facets.items():
        names = [column, *(name for name, meant in columns.items() if meant == column)]  # colour, and color
        values = dict.fromkeys(value for name in names for value in given.getlist(name) if value)
        strange = [value for value in values if value not in words]
        if len(strange) > MOST_CHOSEN:
            raise QueryError(
                f"expected at most {MOST_CHOSEN} values of {column} that the catalogue spells otherwise; found "
                f"{len(strange)}. Leave some out."
            )
        spelt = values_of(column, strange, shop.items, words) if strange else ()
        if values:
            chosen[column] = tuple(dict.fromkeys([*(value for value in values if value in words), *spelt]))
    words = given.get("q", "").strip()
    longest = max(len(words), len(given.get("words", "").strip()))  # beside a photo, words have a field of their own
    if longest > LONGEST and not strict:
        words = words[:LONGEST]
    elif longest > LONGEST:
        raise QueryError(f"expected at most {LONGEST} characters of words; found {longest}. Shorten them.")
    page = whole(given, "page", 1, 1, 1_000_000)
    return usual_ask(shop, words, chosen, page, given)


def only(given: Iterable[str], known: Iterable[str]) -> None:
    """Refuse parameters that are not known, each with a name near to it; raises QueryError."""
    known, strange = sorted(known), sorted(set(given) - set(known))
    if strange:
        near = "".join(dict.fromkeys(did_you_mean(name[:60], known) for name in strange[:5]))
        raise QueryError(
            f"expected only the parameters {', '.join(known)}; found {', '.join(strange)[:200]}.{near} Correct or "
            "remove them."
        )


def usual_ask(
    shop: Shop, words: str = "", chosen: dict[str, tuple[str, ...]] | None = None, page: int = 1,
    given: MultiDict | None = None,
) -> Ask:  # fmt: skip
    """An address with the report's own balance, except for what is `given`."""
    recommender, given = shop.recommender, MultiDict() if given is None else given
    usual = Preferences(recommender.k, recommender.colour_weight, recommender.looks_weight)
    sort = given.get("sort", "")
    if sort not in ("", *SORTS):
        raise QueryError(
            f"expected sort to be {' or '.join(SORTS)}; found {sort[:40]!r}. Give one of these, or leave sort out."
        )
    prices = number(given, "price_from", -np.inf, 0, 1e12), number(given, "price_to", np.inf, 0, 1e12)
    like, unlike = (_chosen_items(shop, name, given.getlist(name)) for name in FEEDBACK)
    return Ask(
        words, chosen or {}, page, number(given, "colour_weight", usual.colour_weight, 0, 1),
        number(given, "looks_weight", usual.looks_weight, 0, 1), flag(given, "hide"), usual, sort, prices,
        like, tuple(name for name in unlike if name not in like),
    )  # fmt: skip


def _chosen_items(shop: Shop, parameter: str, names: list[str]) -> tuple[str, ...]:
    """Liked or disliked items, each once."""
    strange = [name for name in names if name not in shop.rows]
    if strange:
        raise QueryError(f"expected items of the catalogue as {parameter}; found {strange[0][:80]!r}. Leave it out.")
    return tuple(dict.fromkeys(names))[:MOST_CHOSEN]


class Similar(NamedTuple):
    """Items that answer a query, the nearest first.

    Attributes
    ----------
    rows : list of int
    similarity : list of float
    reasons : list of str
    """

    rows: list[int]
    similarity: list[float]
    reasons: list[str]


def similar(shop: Shop, query: Query, ask: Ask, k: int | None = None, diversity: float = 0.0) -> Similar:
    """The items most similar to a query, with reasons: more like those that are liked, less like the others."""
    query = shop.recommender.refined(query, ask.like, ask.unlike)
    rows, close = shop.recommender.ranked(
        query, k, ask.chosen, colour_weight=ask.colour, looks_weight=ask.looks, hide_duplicates=ask.hide,
        diversity=diversity,
    )  # fmt: skip
    return Similar(rows.tolist(), close.tolist(), shop.recommender.reasons_of(query, rows))
