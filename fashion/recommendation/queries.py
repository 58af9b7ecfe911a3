"""Queries: an item, a photo or words, in one form."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import product
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fashion.attributes.layout import Layout
from fashion.recommendation.filters import DESCRIPTION, QueryError, Where
from fashion.recommendation.reading import Reader, Reading
from fashion.recommendation.words import PASSED_OVER, tokens_of


@dataclass(frozen=True)
class Query:
    """One query to a catalogue.

    Attributes
    ----------
    title : str
        The item's or photo's name, or the words.
    vectors : ndarray of float32, shape (m, d)
        Alternatives in the searched embedding; the nearest of them counts. A part that the query leaves open is zero.
    description : mapping
        Column -> word, or a tuple of alternatives: known, recognised by the network, or asked for.
    row : int or None
        The query's own row, which is never returned.
    near_duplicates : ndarray of int
        Rows of near-duplicates, hidden on request.
    where : mapping of str to tuple of str
        Conditions that the words bring with them.
    unlike : bool
        Whether it is a photo that resembles nothing in the catalogue.
    reading : Reading or None
        How its words were read.
    allowed : ndarray of bool, shape (n,), or None
        Items that the words' other conditions allow ("not black", "under 50").
    text_scores : ndarray of float32, shape (n,), or None
        How well each item's texts match the words that the catalogue's words do not say, 0 to 1.
    photo_scores : ndarray of float32, shape (n,), or None
        Cosine of each item's photo and the words, by the text tower of the report's encoder.
    exact : ndarray of bool, shape (n,), or None
        Of a query in words alone: items that match every word; they come first.
    """

    title: str
    vectors: NDArray[np.float32]
    description: Mapping[Any, Any]
    row: int | None = None
    near_duplicates: NDArray[np.intp] = field(default_factory=lambda: np.empty(0, np.intp))
    where: Where = field(default_factory=dict)
    unlike: bool = False
    reading: Reading | None = None
    allowed: NDArray[np.bool_] | None = None
    text_scores: NDArray[np.float32] | None = None
    photo_scores: NDArray[np.float32] | None = None
    exact: NDArray[np.bool_] | None = None

    def __repr__(self) -> str:
        said = ", ".join(f"{column}={value!r}" for column, value in self.description.items() if column in DESCRIPTION)
        return f"Query({self.title!r}: {said or 'no description'})"


def words_query(text: str, items: pd.DataFrame, layout: Layout, reader: Reader | None = None) -> Query:
    """The query that a few words make, such as "red dress", "stivali neri" or "floral dress under 50, not black".

    Several kinds or colours are alternatives, and a department stands for its categories. Every other word of the
    catalogue (gender, season, or one added after training) becomes a condition; other words are looked for in the
    items' texts, and all of them in the photos, where the report's encoder has a text tower. Where no item has all that
    was asked for, conditions are left out, so that the nearest items follow.
    The items' `reader` is built if it is not given.

    Raises
    ------
    QueryError
        When no word means anything in this catalogue.
    """
    reader = reader or Reader(items, layout.swatches)
    query = read_query(reader.read(text), items, layout, reader)
    if query is None:
        tokens = tokens_of(text)
        raise reader.vocabulary.unknown(text, [t for t in tokens if t.casefold() not in PASSED_OVER])
    return query


def read_query(reading: Reading, items: pd.DataFrame, layout: Layout, reader: Reader) -> Query | None:
    """The query of words that were read; None where none of them means anything, or an item alone was named."""
    if not replace(reading, item=""):
        return None
    asked = reading.asked
    kinds = asked.get("category", ())
    if not kinds and "department" in asked:
        kinds = tuple(sorted(items.loc[reader.columns.mask({"department": asked["department"]}), "category"].unique()))
    kinds = tuple(word for word in kinds if word in layout.categories)
    shades = tuple(word for word in asked.get("colour", ()) if word in layout.colours)
    # The two are parts of their own, so that each word's vector is made once.
    by_kind = [layout.vector(category=kind) for kind in kinds or (None,)]
    by_shade = [layout.vector(colour=shade) for shade in shades or (None,)]
    vectors = [kind + shade for kind, shade in product(by_kind, by_shade)]
    held = {"colour"} if shades else set()
    held |= {"category", "department"} if kinds else set()
    where = {column: words for column, words in asked.items() if column not in held}
    # With a word added after training beside trained ones, an item must have at least one of them.
    if "colour" in held and set(asked["colour"]) - set(shades):
        where["colour"] = asked["colour"]
    if kinds and set(asked.get("category", ())) - set(kinds):
        where["category"] = asked["category"]
    description = {column: words[0] if len(words) == 1 else words for column, words in asked.items()}
    allowed = reader.allowed(reading)
    exact = allowed & reader.columns.mask(asked)
    scores = photo_scores = None
    if reading.described and reader.free_text is not None:
        photo_scores = reader.free_text.cosines(reading.described)
        if not (asked or reading.texts or reading.barred or reading.size or reading.has_bounds):
            exact = np.zeros_like(exact)  # nothing is known of any item
    if reading.texts:
        scores, exact = reader.texts.scores(reading.texts), exact & reader.texts.having(reading.texts)
        if not asked and photo_scores is None:  # what has none of the words would stand in no order
            allowed = allowed & (scores > 0)
    if not exact.any():  # a season or a gender that nothing else goes with: the nearest without it
        where = {}
    return Query(
        reading.text, np.stack(vectors), description, where=where, reading=reading, allowed=allowed, text_scores=scores,
        photo_scores=photo_scores, exact=exact,
    )  # fmt: skip


def no_words() -> QueryError:
    """The error for words with the frozen embedding."""
    return QueryError(
        "expected the learned or described embedding for words; found frozen, which has no words. Choose one of these "
        "two, or leave the words out."
    )


def reworded(query: Query, text: str, items: pd.DataFrame, layout: Layout, reader: Reader | None = None) -> Query:
    """A query changed by words: "like this, in blue"; unchanged by words that mean nothing, which its reading names.

    Its looks then speak for what the words took away: they count half where the colour is another, and nothing where
    the kind is. An item must have one of the words that are looked for in its texts, where any item has one. Words that
    only a text tower knows ("like this, but striped") join the ranking.

    Parameters
    ----------
    query : Query
        By item or photo.
    text : str
        Words; a colour takes the place of the query's, and so does a kind of garment.
    items, layout, reader
        Of the catalogue.
    """
    if query.vectors.shape[1] != layout.width:
        raise no_words()
    reader = reader or Reader(items, layout.swatches)
    reading = reader.read(text)
    told = read_query(reading, items, layout, reader)
    if told is None:
        return replace(query, reading=reading)
    vectors = np.repeat(query.vectors, len(told.vectors), axis=0)
    new = np.tile(told.vectors, (len(query.vectors), 1))
    for part in layout.parts.values():
        if np.any(new[:, part]):
            vectors[:, part] = new[:, part]
    kept = 1.0
    if np.any(new[:, layout.parts["category"]]):
        kept = 0.0
    elif np.any(new[:, layout.parts["colour"]]):
        kept = 0.5
    vectors[:, layout.parts["looks"]] *= kept
    description = dict(query.description)
    if "category" in told.description or "department" in told.description:
        description = {c: v for c, v in description.items() if c not in ("category", "department")}
    allowed = told.allowed
    if allowed is not None and query.allowed is not None:  # what is not to be shown stays hidden
        allowed = allowed & query.allowed
    if allowed is not None and told.text_scores is not None and (told.text_scores[allowed] > 0).any():
        allowed = allowed & (told.text_scores > 0)
    return replace(
        query, title=f"{query.title}, {told.title}", vectors=vectors, description=description | dict(told.description),
        where=dict(query.where) | dict(told.where), reading=reading, allowed=allowed,
        photo_scores=told.photo_scores if reading.in_photos else None,
    )  # fmt: skip


def example_rows(items: pd.DataFrame, count: int, seed: int, first: Sequence[int] = ()) -> list[int]:
    """Rows of example queries: `first`, then one of each of the largest departments, then random ones.

    Parameters
    ----------
    items : DataFrame
        The items table, index 0..n-1.
    count : int
        How many; fewer where there are fewer items.
    seed : int
    first : sequence of int
        Rows that come first.
    """
    departments = items["department"].value_counts().index
    drawn = items.groupby("department").sample(1, random_state=seed).set_index("department", drop=False)
    largest = [int(items.index[items["item"] == drawn.loc[d, "item"]][0]) for d in departments[:count]]
    others = [int(row) for row in np.random.default_rng(seed).permutation(len(items)) if row not in largest]
    return list(dict.fromkeys([*first, *largest, *others]))[:count]


def example_phrases(items: pd.DataFrame) -> list[str]:
    """Example queries in words: the most frequent colour with the most frequent category, in English.

    Where the table was translated, a second one follows in its own language, with the next most common kind.
    """
    colours, kinds = items["colour"].value_counts().index, items["category"].value_counts().index
    phrases = [f"{colours[0]} {kinds[0]}"]
    if {"colour_source", "category_source"} <= set(items):
        said = {column: items.groupby(column)[f"{column}_source"].first() for column in ("colour", "category")}
        kind = kinds[min(1, len(kinds) - 1)]
        phrases.append(f"{said['category'][kind]} {said['colour'][colours[0]]}".strip().lower())
    return phrases


def other_colour(items: pd.DataFrame, row: int) -> str:
    """The most frequent colour that an item does not have; its own where the catalogue has one colour."""
    colours = items["colour"].value_counts().index
    return str(next((word for word in colours if word != items["colour"].iloc[row]), colours[0]))
