"""Filters on columns of the items table, in English or Italian words."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fashion.errors import FashionError
from fashion.translation import GLOSSARIES, english_of, normalise_word

Where = Mapping[str, Sequence[str]]


class QueryError(FashionError):
    """A query names an item, a column or a word that the catalogue does not have."""


def near_words(word: str, known: Iterable[str]) -> str:
    """Close spellings of a word among the known ones, to end an error with: `; near: red, rust`, or nothing."""
    hits = difflib.get_close_matches(word, [str(k) for k in known], n=3)
    return f"; near: {', '.join(hits)}" if hits else ""


def parse_where(conditions: Sequence[str], items: pd.DataFrame) -> dict[str, tuple[str, ...]]:
    """Read filters such as `colour=red` or `category=boots,sandals` (any of these); several must all hold.

    Words may be English or Italian.

    Raises
    ------
    QueryError
        For a condition without `=`, an unknown column, or a value that no item has.
    """
    where: dict[str, tuple[str, ...]] = {}
    for condition in conditions:
        column, sign, values = condition.partition("=")
        column = column.strip()
        if not sign or not values.strip():
            raise QueryError(f"expected a filter like colour=red; found {condition!r}")
        if column not in items:
            raise QueryError(
                f"expected a column of the catalogue in {condition!r}; it has "
                f"{', '.join(c for c in items.columns if items[c].dtype == object)}"
            )
        known = {normalise_word(str(value)): str(value) for value in items[column].unique()}
        chosen = []
        for value in values.split(","):
            english = english_of(value, column) if column in GLOSSARIES else None
            hit = known.get(normalise_word(value)) or known.get(normalise_word(english or ""))
            if hit is None:
                raise QueryError(f"no item has {column} {value.strip()!r}{near_words(value, known.values())}")
            chosen.append(hit)
        if column in where:  # all conditions must hold, also two on one column
            chosen = [value for value in where[column] if value in chosen]
            if not chosen:
                raise QueryError(f"no item can fulfil all conditions on {column}: {', '.join(conditions)}")
        where[column] = tuple(chosen)
    return where


def where_mask(items: pd.DataFrame, where: Where | None) -> NDArray[np.bool_]:
    """Rows that fulfil every condition, shape (n,)."""
    mask = np.ones(len(items), bool)
    for column, values in (where or {}).items():
        mask &= items[column].astype(str).isin(list(values)).to_numpy()
    return mask
