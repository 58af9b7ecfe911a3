"""Known-item search: does an item's own title lead to the item?"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fashion.evaluation.statistics import bootstrap_interval
from fashion.recommendation.queries import read_query
from fashion.recommendation.recommender import Recommender

#: What a search may use, by name.
WORDS, TEXTS = "the catalogue's words alone", "words and texts"

#: Ranks that are looked at; an item beyond counts as not found.
DEEPEST = 1000


def known_item_trial(
    recommender: Recommender, rows: NDArray[np.integer], k: int, most: int = 500, seed: int = 0
) -> pd.DataFrame:
    """Mean reciprocal rank of items searched by their titles, and Success@k, with and without the texts.

    A customer who has seen an item types its title. Items of one title cannot be told apart, so that 1 is out of reach
    where some share theirs. The search has all items' titles in its index, as in the shop.

    Parameters
    ----------
    recommender : Recommender
        With an embedding that knows words.
    rows : ndarray of int
        Items to search for; those without a title are left out.
    k : int
    most : int
        Searches at most, drawn at random.
    seed : int
        Of these, and of the bootstrap.

    Returns
    -------
    DataFrame
        `method`, `measure` (MRR, Success@k), `mean`, `low`, `high` (95 % bootstrap interval over searches), `searches`;
        without rows where the catalogue has no titles.
    """
    items, lines = recommender.items, list[dict[str, object]]()
    titles = items["title"].fillna("").astype(str).str.strip() if "title" in items else pd.Series("", items.index)
    named = rows[(titles.iloc[rows] != "").to_numpy()]
    asked = np.sort(np.random.default_rng(seed).permutation(named)[:most])
    for method in (WORDS, TEXTS) if len(asked) else ():
        found = np.array([_reciprocal_rank(recommender, titles.iloc[row], row, method == TEXTS) for row in asked])
        for measure, values in (("MRR", found), (f"Success@{k}", (found >= 1 / k).astype(float))):
            mean, low, high = bootstrap_interval(values, seed)
            about: dict[str, object] = {"method": method, "measure": measure}
            lines.append(about | {"mean": mean, "low": low, "high": high, "searches": len(asked)})
    return pd.DataFrame(lines, columns=["method", "measure", "mean", "low", "high", "searches"])


def _reciprocal_rank(recommender: Recommender, title: str, row: int, texts: bool) -> float:
    """1 over the rank of an item among those that its title finds; 0 where it is not among the first."""
    assert recommender.layout is not None
    reader = recommender.words_reader
    reading = reader.read(title)
    reading = replace(reading, item="", texts=reading.texts if texts else ())
    query = read_query(reading, recommender.items, recommender.layout, reader)
    if query is None:
        return 0.0
    place = np.flatnonzero(recommender.ranked(query, DEEPEST)[0] == row)
    return 1 / (1 + int(place[0])) if len(place) else 0.0
