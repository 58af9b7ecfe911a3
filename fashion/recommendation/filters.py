"""Filters on columns of the items table, in English (British or American), Italian or the catalogue's own words."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TypeAlias, cast

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fashion.catalogue.translation import GLOSSARIES, british, english_of, load_synonyms, normalise_word
from fashion.core.errors import FashionError, near_words

#: Columns of an items table that hold no words for people.
NO_WORDS = frozenset({
    "item", "photo", "sha256", "phash", "garment_hex", "added", "near_duplicate_of", "problem", "price", "link",
})  # fmt: skip

#: Columns that no list of filters offers; their values are exact where a filter names them all the same.
NOT_OFFERED = NO_WORDS | {"title", "date"}

#: Column -> allowed values, as the catalogue spells them.
Where: TypeAlias = Mapping[str, Sequence[str]]

#: Filters as people write them: column -> value or values, ``colour=red,blue``, or several such texts.
Conditions: TypeAlias = Mapping[str, object] | Iterable[str] | str


class QueryError(FashionError):
    """A query names an item, a column or a word that the catalogue does not have."""


def parse_where(conditions: Conditions | None, items: pd.DataFrame) -> dict[str, tuple[str, ...]]:
    """Read filters: all of them must hold, with any of the values given for one column.

    Parameters
    ----------
    conditions : mapping, str, or iterable of str, optional
        ``{"colour": "red", "category": ["boots", "sandals"]}``, ``"colour=red"``, or
        ``["colour=red", "category=boots,sandals"]``. Columns and values may be written the American way, values also
        in Italian, by a synonym of data/glossary, or as the catalogue's table has them before they are translated.
    items : DataFrame
        The items table.

    Returns
    -------
    dict of str to tuple of str
        Column -> allowed values, as the catalogue spells them.

    Raises
    ------
    QueryError
        For a condition without a value, an unknown column, or a value that no item has.

    Examples
    --------
    >>> shoes = pd.DataFrame({"item": ["a", "b"], "colour": ["grey", "red"], "category": ["boots", "sandals"]})
    >>> parse_where({"color": "gray"}, shoes)
    {'colour': ('grey',)}
    >>> parse_where("category=boots,sandals", shoes)
    {'category': ('boots', 'sandals')}
    """
    where: dict[str, tuple[str, ...]] = {}
    for written, values in _pairs(conditions):
        column = _column(written, items)
        chosen = values_of(column, values, items)
        if column in where:  # all conditions must hold, also two on one column
            chosen = tuple(value for value in where[column] if value in chosen)
            if not chosen:
                raise QueryError(
                    f"expected filters on {column} that some item matches; found {_written(conditions)}. Drop one of "
                    "them."
                )
        where[column] = chosen
    return where


def _pairs(conditions: Conditions | None) -> Iterator[tuple[str, str | list[str]]]:
    """Each condition as its column and value: a text, perhaps with commas, or a list."""
    if isinstance(conditions, Mapping):
        for column, value in conditions.items():
            one = isinstance(value, str) or not isinstance(value, Iterable)
            values = [str(value)] if one else [str(each) for each in cast(Iterable[object], value)]
            if not values or not all(each.strip() for each in values):
                raise QueryError(
                    f"expected a filter like {{'colour': 'red'}}; found {{{column!r}: {value!r}}}. Give it a value."
                )
            yield str(column), values
        return
    if conditions is not None and not isinstance(conditions, Iterable):
        raise QueryError(
            f"expected filters like {{'colour': 'red'}} or 'colour=red'; found {conditions!r}. Write them so."
        )
    for condition in [conditions] if isinstance(conditions, str) else conditions or ():
        column, sign, text = str(condition).partition("=")
        if not sign or not text.strip():
            raise QueryError(f"expected a filter like colour=red; found {condition!r}. Write a column, = and a value.")
        yield column, text


def _written(conditions: Conditions | None) -> str:
    return ", ".join(conditions) if isinstance(conditions, list | tuple) else str(conditions)


def _column(written: str, items: pd.DataFrame) -> str:
    """The column by its own name, or else by another spelling."""
    written = written.strip()
    if written in items:
        return written
    spellings = {british(str(column)): str(column) for column in items.columns}
    column = spellings.get(british(written))
    if column is None:
        texts = [str(c) for c in items.columns if items[c].dtype == object and not str(c).endswith("_source")]
        offered = [c for c in texts if c == "price" or c not in NOT_OFFERED]
        raise QueryError(
            f"expected a column of the catalogue; found {written!r}{near_words(british(written), offered)}. Choose "
            f"one of {', '.join(offered)}."
        )
    return column


def values_of(
    column: str, values: str | Sequence[str], items: pd.DataFrame, words: Iterable[object] | None = None
) -> tuple[str, ...]:
    """The catalogue's spellings of the requested values, each once.

    Parameters
    ----------
    column : str
    values : str or sequence of str
        A text may hold several, separated by commas.
    items : DataFrame
        The items table.
    words : iterable, optional
        Those that may be requested, in place of all of the column's.

    Raises
    ------
    QueryError
        For a value that is none of them.

    Examples
    --------
    >>> values_of("colour", ["GRAY"], pd.DataFrame({"colour": ["grey", "red"]}))
    ('grey',)
    """
    known: dict[str, list[str]] = {}
    for word in items[column].unique() if words is None else words:  # one word in two spellings: both are meant
        known.setdefault(british(str(word)), []).append(str(word))
    if isinstance(values, str):  # a value may hold a comma itself
        values = [values] if british(values) in known else values.split(",")
    chosen: dict[str, None] = {}
    for value in values:
        hit: str | None = british(value)
        if hit not in known:
            hit = next((word for word in map(british, _other_words(value, column, items)) if word in known), None)
        if hit is None:
            value = value.strip()[:60]
            raise QueryError(
                f"expected a {column} of the catalogue; found {value!r}{near_words(british(value), known)}. "
                "Correct the word, or leave the filter out."
            )
        chosen |= dict.fromkeys(known[hit])
    return tuple(chosen)


def own_words(items: pd.DataFrame, column: str) -> list[tuple[str, str]]:
    """The catalogue's own words of a column that was translated, each with its English one."""
    source = f"{column}_source"
    if source not in items:
        return []
    pairs = items[[source, column]].drop_duplicates().astype(str)
    own = pairs[(pairs[source] != "") & (pairs[source].map(normalise_word) != pairs[column].map(normalise_word))]
    return list(own.itertuples(index=False, name=None))


def _other_words(value: str, column: str, items: pd.DataFrame) -> list[str]:
    """English words for an Italian word, a word of the catalogue's own, or a synonym."""
    words = [english_of(value, column)] if column in GLOSSARIES else []
    words += [english for own, english in own_words(items, column) if normalise_word(own) == normalise_word(value)]
    synonyms = load_synonyms()
    said = (synonyms["column"] == column) & (synonyms["said"].map(british) == british(value))
    return [word for word in [*words, *synonyms.loc[said, "english"]] if word]


def both(first: Where | None, second: Where | None) -> dict[str, tuple[str, ...]]:
    """Two sets of filters as one: of a column that both name, the values that both allow.

    Examples
    --------
    >>> both({"colour": ("red", "blue")}, {"colour": ("blue",), "category": ("boots",)})
    {'colour': ('blue',), 'category': ('boots',)}
    """
    joined = {column: tuple(values) for column, values in (first or {}).items()}
    for column, values in (second or {}).items():
        joined[column] = tuple(value for value in joined.get(column, values) if value in values)
    return joined


def where_mask(items: pd.DataFrame, where: Where | None) -> NDArray[np.bool_]:
    """Rows that match every condition, shape (n,)."""
    mask = np.ones(len(items), bool)
    for column, values in (where or {}).items():
        mask &= items[column].astype(str).isin(list(values)).to_numpy()
    return mask


class Columns:
    """Items by the values of their columns, as codes that are made at a column's first use.

    Parameters
    ----------
    items : DataFrame
        The items table.

    Examples
    --------
    >>> columns = Columns(pd.DataFrame({"colour": ["red", "blue", "red"]}))
    >>> columns.mask({"colour": ("red", "green")}).tolist()
    [True, False, True]
    """

    def __init__(self, items: pd.DataFrame) -> None:
        self._items = items
        self._codes: dict[str, tuple[dict[str, int], NDArray[np.intp]]] = {}

    def codes(self, column: str) -> tuple[dict[str, int], NDArray[np.intp]]:
        """Value -> its code, and each row's code, shape (n,)."""
        if column not in self._codes:
            codes, values = pd.factorize(self._items[column].astype(str))
            self._codes[column] = {str(value): code for code, value in enumerate(values)}, codes
        return self._codes[column]

    def mask(self, where: Where | None) -> NDArray[np.bool_]:
        """`where_mask` of these items, shape (n,)."""
        mask = np.ones(len(self._items), bool)
        for column, values in (where or {}).items():
            places, codes = self.codes(column)
            wanted = np.zeros(len(places), bool)
            wanted[[places[value] for value in values if value in places]] = True
            mask &= wanted[codes]
        return mask


#: Columns of an item that describe it, where its catalogue has them.
DESCRIPTION = ("colour", "category", "department", "gender", "season")
