"""Reasons for a recommendation, in the same words in notebook, command and shop window."""

from __future__ import annotations

from collections.abc import Hashable, Mapping

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fashion.attributes.layout import Layout
from fashion.catalogue.cleaning import ANY_GARMENT
from fashion.catalogue.products import PRODUCT
from fashion.core.numerals import score
from fashion.neighbours.exact import normalise
from fashion.recommendation.filters import DESCRIPTION
from fashion.recommendation.queries import Query

#: Part of the embedding -> its name in a reason; further columns are named among the shared words.
SAID = {"category": "kind", "colour": "colour", "looks": "looks"}

#: What is said above a list whose query is a photo that resembles nothing in the catalogue.
UNLIKE = "Nothing here looks much like this photo. These items come nearest."


def describe(item: Mapping[Hashable, object]) -> str:
    """A description in words, such as `red · long-sleeved shirt`; missing words are left out."""
    return " · ".join(_say(item[column]) for column in ("colour", "category") if item.get(column))


def _say(value: object) -> str:
    return " or ".join(value) if isinstance(value, tuple) else str(value)


def _agree(asked: object, word: object) -> bool:
    return word in asked if isinstance(asked, tuple) else asked == word


def reasons(query: Mapping[Hashable, object], item: Mapping[Hashable, object], parts: Mapping[str, float]) -> str:
    """The reason for a recommendation: the words that both share, and the similarity of each part.

    Parameters
    ----------
    query : mapping
        Description asked for: column -> word, or a tuple of alternatives.
    item : mapping
        Description of the item.
    parts : mapping of str to float
        Part ("kind", "colour", "looks") -> similarity: the expected agreement in category and in colour, and the
        cosine of the looks (`attributes.layout`); or the cosine of frozen vectors. Negative values are shown as 0.

    Examples
    --------
    >>> reasons({"colour": "red", "category": "boots"}, {"colour": "red", "category": "sandals"}, {"looks": 0.7})
    'same colour; looks 0.70'
    >>> reasons({"colour": "red", "category": "clothes"}, {"colour": "blue", "category": "clothes"}, {"looks": 0.7})
    'another colour; looks 0.70'
    """
    asked = [column for column in DESCRIPTION if query.get(column) and query[column] != ANY_GARMENT]
    shared = [column for column in asked if _agree(query[column], item.get(column))]
    # Items that share the category share its department: naming both is noise.
    if "category" in shared and "department" in shared:
        shared.remove("department")
    if shared:
        words = f"same {' and '.join(shared)}"
    else:
        missed = [column for column in ("colour", "category") if column in asked]
        words = f"another {' and '.join(missed)}" if missed else ""
    return "; ".join(filter(None, [words, *(f"{name} {score(max(alike, 0.0))}" for name, alike in parts.items())]))


def similarity_parts(query: Query, rows: NDArray[np.float32], layout: Layout | None) -> list[dict[str, float]]:
    """Similarity of the query (its best alternative) and each item, in each part that the query describes.

    Parameters
    ----------
    query : Query
    rows : ndarray of float32, shape (m, d)
        The items' vectors: unit rows, or with a layout rows whose parts have length one each.
    layout : Layout or None

    Returns
    -------
    list of dict
        "kind", "colour" and "looks" -> similarity; without a layout "looks" alone.
    """
    if layout is None:
        similarity = {"looks": (normalise(query.vectors) @ rows.T).max(axis=0)}
    else:
        parts = layout.similarities(query.vectors, rows)
        alike = {"category"} if layout.categories == (ANY_GARMENT,) else set()  # all are, which is no reason
        similarity = {SAID[name]: values for name, values in parts.items() if name in SAID.keys() - alike}
    return [{name: float(values[place]) for name, values in similarity.items()} for place in range(len(rows))]


def answer_table(
    items: pd.DataFrame,
    query: Query,
    index: NDArray[np.integer],
    similarity: NDArray[np.float32],
    parts: list[dict[str, float]],
) -> pd.DataFrame:
    """The results as the table that `recommender.Recommender.answer` documents.

    Parameters
    ----------
    items : DataFrame
    query : Query
    index : ndarray of int, shape (m,)
        Rows of the results.
    similarity : ndarray of float32, shape (m,)
    parts : list of dict, length m
        From `similarity_parts`.
    """
    rows = items.iloc[index]
    columns = [column for column in DESCRIPTION if column in rows]
    product = [column for column in PRODUCT if column in rows]
    table = rows[["item", *columns, *product, "photo"]].reset_index(drop=True)
    table.insert(0, "rank", np.arange(1, len(rows) + 1))
    table.insert(2, "similarity", similarity)
    table["reasons"] = [
        reasons(query.description, record, own) for record, own in zip(rows.to_dict("records"), parts, strict=True)
    ]
    return table
