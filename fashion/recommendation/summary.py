"""The numbers of results/04.json."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from fashion.evaluation.relevance import BOTH, precision_at_k
from fashion.evaluation.summary import Misses, category_misses
from fashion.neighbours.exact import Neighbours
from fashion.recommendation.queries import Query


@dataclass(frozen=True)
class AllLists:
    """The lists of all items, by embedding, beside the table's words.

    Attributes
    ----------
    items : DataFrame, n rows
    nearest : mapping of str to (rows, similarity), shapes (n, k)
        Embedding -> what `Recommender.nearest_of_all` found; "learned" is one of them.
    """

    items: pd.DataFrame
    nearest: Mapping[str, Neighbours]

    @cached_property
    def precision(self) -> pd.DataFrame:
        """Precision@k over all items: a row for each embedding, a column for each label."""
        every, columns = np.arange(len(self.items)), ["department", "category", "colour"]
        means = {
            name: precision_at_k(self.items, rows, every, columns).mean() for name, (rows, _) in self.nearest.items()
        }
        return pd.DataFrame(means).T.rename_axis("embedding")

    @property
    def both(self) -> dict[str, float]:
        """Embedding -> Precision@k in category and colour."""
        return {str(name): float(share) for name, share in self.precision[BOTH].items()}

    @cached_property
    def misses(self) -> Misses:
        """Items whose *learned* list has none of their category."""
        return category_misses(self.items, *self.nearest["learned"])

    def as_dict(self) -> dict[str, Any]:
        """The numbers as a dictionary, for the results."""
        return {
            "k": self.nearest["learned"][0].shape[1],
            "precision_at_k_all_items": self.precision.to_dict("index"),
            "failures": self.misses.as_dict(),
            "similarity_median": {name: float(np.median(similarity)) for name, (_, similarity) in self.nearest.items()},
        }


def results(
    lists: AllLists, shown: Sequence[int], by_photo: Sequence[Query], by_words: Sequence[Query], diverse: pd.DataFrame
) -> dict[str, Any]:
    """The numbers of results/04.json.

    Parameters
    ----------
    lists : AllLists
    shown : sequence of int
        Rows of the items that the figures show.
    by_photo, by_words : sequence of Query
    diverse : DataFrame
        From `recommender.diversity_trial`.
    """
    return {
        **lists.as_dict(),
        "shown": lists.items["item"].iloc[np.asarray(shown)].tolist(),
        "queries_by_photo": [{"item": query.title, "seen": dict(query.description)} for query in by_photo],
        "queries_by_words": [query.title for query in by_words],
        "diversity": diverse.to_dict("records"),
    }
