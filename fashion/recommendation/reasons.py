"""Why an item is recommended, in the same words wherever it is shown: notebook, command and shop window."""

from __future__ import annotations

from collections.abc import Hashable, Mapping

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fashion.attributes.layout import Layout, as_queries
from fashion.neighbours.exact import normalise
from fashion.recommendation.filters import DESCRIPTION
from fashion.recommendation.queries import Query


def describe(item: Mapping[Hashable, object]) -> str:
    """Say a description in words: `red · long-sleeved shirt`; what is missing is left out."""
    return " · ".join(_say(item[column]) for column in ("colour", "category") if item.get(column))


def _say(value: object) -> str:
    return " or ".join(value) if isinstance(value, tuple) else str(value)


def _agree(asked: object, found: object) -> bool:
    return found in asked if isinstance(asked, tuple) else asked == found


def reasons(query: Mapping[Hashable, object], found: Mapping[Hashable, object], parts: Mapping[str, float]) -> str:
    """Why an item is recommended: what the two descriptions share, and how alike they are in each part.

    Parameters
    ----------
    query : mapping
        Description asked for: column -> word, or several of which any will do (a tuple).
    found : mapping
        Description of the item.
    parts : mapping of str to float
        What was compared ("looks", "colour") -> how alike: the expected agreement (`attributes.layout`; nine tenths
        of the looks are the kind of garment), or the cosine of frozen vectors. Below 0 it is said as 0.

    Examples
    --------
    >>> reasons({"colour": "red", "category": "boots"}, {"colour": "red", "category": "sandals"}, {"looks": 0.7})
    'same colour; looks 0.70'
    """
    asked = [column for column in DESCRIPTION if query.get(column)]
    shared = [column for column in asked if _agree(query[column], found.get(column))]
    # Who shares the category shares its department: saying both is noise.
    if "category" in shared and "department" in shared:
        shared.remove("department")
    if shared:
        words = f"same {' and '.join(shared)}"
    else:
        missed = [column for column in ("colour", "category") if column in asked]
        words = f"another {' and '.join(missed)}" if missed else ""
    return "; ".join(filter(None, [words, *(f"{name} {max(alike, 0.0):.2f}" for name, alike in parts.items())]))


def similarity_parts(query: Query, rows: NDArray[np.float32], layout: Layout | None) -> list[dict[str, float]]:
    """How alike query (its best alternative) and each item are, in each part of which the query says anything.

    Parameters
    ----------
    query : Query
    rows : ndarray of float32, shape (m, d)
        The items' vectors: unit rows, or with a layout rows whose two parts have length one each.
    layout : Layout or None

    Returns
    -------
    list of dict
        "looks" and "colour" -> similarity; without a layout "looks" alone.
    """
    found: dict[str, NDArray] = {}
    if layout is None:
        found["looks"] = (normalise(query.vectors) @ rows.T).max(axis=0)
    else:
        own, at = rows.astype(float), layout.colour_from
        for name, weight in (("looks", 0.0), ("colour", 1.0)):
            part = slice(None, at) if name == "looks" else slice(at, None)
            if np.any(query.vectors[:, part]):
                asking = as_queries(query.vectors, at, weight)
                found[name] = (asking[:, part] @ own[:, part].T).max(axis=0)
    return [{name: float(values[place]) for name, values in found.items()} for place in range(len(rows))]


def answer_table(
    items: pd.DataFrame,
    query: Query,
    index: NDArray[np.integer],
    similarity: NDArray[np.float32],
    parts: list[dict[str, float]],
) -> pd.DataFrame:
    """The answers as a table, as `recommender.Recommender.answer` describes it.

    Parameters
    ----------
    items : DataFrame
    query : Query
    index : ndarray of int, shape (m,)
        Rows of the answers.
    similarity : ndarray of float32, shape (m,)
    parts : list of dict, length m
        From `similarity_parts`.
    """
    found = items.iloc[index]
    columns = [column for column in DESCRIPTION if column in found]
    table = found[["item", *columns, "photo"]].reset_index(drop=True)
    table.insert(0, "rank", np.arange(1, len(found) + 1))
    table.insert(2, "similarity", similarity)
    table["reasons"] = [
        reasons(query.description, record, own) for record, own in zip(found.to_dict("records"), parts, strict=True)
    ]
    return table
