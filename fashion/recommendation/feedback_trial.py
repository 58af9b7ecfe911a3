"""A simulated customer who says "more like these, less like that" once: what the next list gains."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fashion.evaluation.statistics import bootstrap_interval
from fashion.recommendation.queries import Query
from fashion.recommendation.recommender import Recommender

#: Items of the first list, and liked and disliked ones of them at most.
LOOKED_AT, CHOSEN = 12, 3


#: What a customer begins with: a search for the category, or another item of it.
STARTS = ("words", "item")


def feedback_trial(
    recommender: Recommender, rows: NDArray[np.integer], seed: int = 0, k: int | None = None
) -> pd.DataFrame:
    """Agreement of the list after one round of feedback, against that without.

    A customer wants items of one category and colour, those of a query item. She starts from a search for the category,
    or from any other item of it. She looks at the first `LOOKED_AT` items, likes the first `CHOSEN` that have both
    words, and dislikes the first `CHOSEN` that have not. Compared are the next k items that she has not seen (Chang,
    Cirillo and Razon 1971, Evaluation of Feedback Retrieval using Modified Freezing, Residual Collection, and Test and
    Control Groups): with her feedback, with the liked or disliked items alone, and without.

    Parameters
    ----------
    recommender : Recommender
        Of photos alone ("learned"), as items' own words would give the answer away.
    rows : ndarray of int
        Items whose category and colour are wanted; those without another item of their category are left out.
    seed : int
        Of the items she starts from.
    k : int, optional
        Length of the next list; the report's if not given.

    Returns
    -------
    DataFrame
        `start` (words, item), `feedback` (none, liked, disliked, both), `mean` share of the next items that have both
        words, `low` and `high` (95% bootstrap interval over customers), `customers`.
    """
    items, k = recommender.items, k or recommender.k
    names, count = items["item"].to_numpy(), len(items)
    categories, colours = items["category"].to_numpy(), items["colour"].to_numpy()
    random = np.random.default_rng(seed)
    scores: dict[tuple[str, str], list[float]] = {}
    for row in rows:
        others = np.flatnonzero((categories == categories[row]) & (np.arange(count) != row))
        if not len(others):
            continue
        wanted = (categories == categories[row]) & (colours == colours[row])
        first = int(random.choice(others))
        for start in STARTS:
            query = recommender.item_query(names[first]) if start == "item" else _search(recommender, categories[row])
            seen, _ = recommender.ranked(query, LOOKED_AT)
            unseen = np.ones(count, bool)
            unseen[seen] = False
            liked, disliked = list(names[seen[wanted[seen]][:CHOSEN]]), list(names[seen[~wanted[seen]][:CHOSEN]])
            ways = {"none": ([], []), "liked": (liked, []), "disliked": ([], disliked), "both": (liked, disliked)}
            for way, chosen in ways.items():
                after, _ = recommender.ranked(recommender.refined(query, *chosen), k, among=unseen)
                scores.setdefault((start, way), []).append(float(wanted[after].mean()) if len(after) else 0.0)
    table = []
    for (start, way), values in scores.items():
        mean, low, high = bootstrap_interval(values, seed)
        about = {"start": start, "feedback": way, "mean": mean, "low": low, "high": high}
        table.append(about | {"customers": len(values)})
    return pd.DataFrame(table).sort_values("start", kind="stable", ignore_index=True)


def _search(recommender: Recommender, category: str) -> Query:
    """A search for a category by its own word, without colours."""
    assert recommender.layout is not None
    return Query(category, recommender.layout.vector(category=category)[np.newaxis], {"category": category})
