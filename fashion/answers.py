"""What is said of the items that answer a query: their place, how alike they are and in what."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fashion.description import Layout, as_queries
from fashion.neighbours import normalise
from fashion.queries import Query
from fashion.reasons import DESCRIPTION, reasons


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
