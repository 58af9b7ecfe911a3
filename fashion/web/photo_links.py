"""A visitor's photo as an address: its results can be shared without storing the photo.

The address holds the photo's vector in half precision, up to some thousand characters: what the network takes the
garment, its colour and each further word (such as the gender) for, and 128 components of its looks. The photo cannot be
reconstructed from them; what kind of thing it shows can be told.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from dataclasses import replace
from functools import lru_cache
from typing import Any

import numpy as np
from werkzeug.datastructures import MultiDict

from fashion.attributes.layout import Layout
from fashion.core.checksums import sha256_json
from fashion.recommendation.filters import QueryError, values_of
from fashion.recommendation.queries import Query
from fashion.web.shop import Shop

#: Parameters of such an address beside those of `parameters.read_ask`.
NAMES = (
    "seen", "of", "seen_colour", "seen_category", "as_colour", "as_category", "near_duplicate", "resembles_nothing",
    "words",
)  # fmt: skip

#: What stands for no word where a visitor corrects what was recognised.
ANY = "*"

#: Near-duplicates of the photo that an address names at most.
MOST_DUPLICATES = 20


def as_pairs(shop: Shop, query: Query) -> list[tuple[str, str]]:
    """The parameters of an address for a photo's query.

    Parameters
    ----------
    shop : Shop
    query : Query
        One vector, before words changed it.
    """
    data = np.asarray(query.vectors[0], "<f2").tobytes()
    pairs = [("seen", base64.urlsafe_b64encode(data).decode().rstrip("=")), ("of", network_of(shop))]
    pairs += [(f"seen_{column}", str(word)) for column, word in query.description.items()]
    pairs += [("near_duplicate", shop.shown["item"][row]) for row in query.near_duplicates[:MOST_DUPLICATES]]
    return pairs + ([("resembles_nothing", "1")] if query.unlike else [])


def as_kept(query: Query) -> Query:
    """The query with the address's precision, so that both give the same results."""
    return replace(query, vectors=np.asarray(query.vectors, "<f2").astype(np.float32))


def read(given: MultiDict, shop: Shop) -> Query:
    """The query that an address holds, before its words are applied.

    Raises
    ------
    QueryError
        When it holds no valid query, or one of another network than this report's.
    """
    layout = _layout(shop)
    if given.get("of", "") != network_of(shop):
        raise QueryError("expected a link made with this report's network; found an older one. Send the photo again.")
    text = given.get("seen", "")
    try:
        data = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
        vector = np.frombuffer(data, "<f2").astype(np.float32)
    except (binascii.Error, ValueError):
        vector = np.empty(0, np.float32)
    if vector.shape != (layout.width,) or not np.isfinite(vector).all() or np.abs(vector).max() > 2 or not vector.any():
        raise QueryError(
            f"expected a vector of {layout.width} dimensions in the link; found something else. Send the photo again."
        )
    seen: dict[str, Any] = {}
    for column, known in (("colour", layout.colours), ("category", layout.categories)):
        word = given.get(f"seen_{column}", "")
        if word and word not in known:
            raise QueryError(f"expected a {column} of the catalogue; found {word[:60]!r}. Send the photo again.")
        seen |= {column: word} if word else {}
    names = [name for name in given.getlist("near_duplicate")[:MOST_DUPLICATES] if name in shop.rows]
    rows, groups = [shop.rows[name] for name in names], shop.recommender.groups
    repeated = np.array(rows, np.intp) if groups is None else np.flatnonzero(np.isin(groups, groups[rows]))
    return Query(
        "your photo", vector[np.newaxis], seen, near_duplicates=repeated, unlike=given.get("resembles_nothing") == "1"
    )


def corrections(given: MultiDict) -> dict[str, str]:
    """Column -> the word that the visitor says the photo shows, or `ANY`, from an address."""
    words = {column: given.get(f"as_{column}", "") for column in ("colour", "category")}
    return {column: word for column, word in words.items() if word}


def corrected(query: Query, words: Mapping[str, str], shop: Shop) -> Query:
    """The query with the words that the visitor says its photo shows; its looks stay.

    A colour takes the place of the recognised one, so that near ones follow; a category becomes a condition, too: among
    its items the looks decide.

    Parameters
    ----------
    query : Query
        Of a photo.
    words : mapping of str to str
        From `corrections`.
    shop : Shop

    Raises
    ------
    QueryError
        For a word that the network does not know.
    """
    layout, seen, vectors, where = _layout(shop), dict(query.description), query.vectors.copy(), dict(query.where)
    known = {"colour": layout.colours, "category": layout.categories}
    for column, word in words.items():
        if word not in (*known[column], ANY):
            word = values_of(column, [word], shop.items, known[column])[0]
        if word == seen.pop(column, None):
            seen[column] = word
            continue
        part = layout.parts[column]
        vectors[:, part] = 0
        if word != ANY:
            seen[column] = word
            vectors[:, part] = layout.vector(**{column: word})[part]
            where |= {"category": (word,)} if column == "category" else {}
    return replace(query, vectors=vectors, description=seen, where=where)


def network_of(shop: Shop) -> str:
    """A short identifier of the network that made the vectors."""
    layout = _layout(shop)
    return _mark(layout.checksum, tuple(layout.words.values()))


@lru_cache(4)
def _mark(checksum: str, words: tuple[tuple[str, ...], ...]) -> str:
    return sha256_json([checksum, *words])[:12]


def _layout(shop: Shop) -> Layout:
    layout = shop.recommender.layout
    assert layout is not None  # a shop shows the described embedding
    return layout
