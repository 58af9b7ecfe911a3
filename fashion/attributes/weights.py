"""Weights of looks and the correction for hubs, chosen on validation items by a stated rule."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fashion.attributes.layout import Layout
from fashion.core.defaults import COLOUR_WEIGHT, LIST_LENGTH
from fashion.embedding.features import some_rows
from fashion.evaluation.coverage import times_shown
from fashion.evaluation.relevance import BOTH, matches
from fashion.neighbours.exact import top_k
from fashion.neighbours.hubs import QUERIES, nearest_query_similarity

Float = NDArray[np.float32]

#: Shares of the looks and strengths of the correction for hubs that are tried. Half of CSLS and more shows hardly more
#: of a catalogue, and costs a photo alone another .02 in both words (docs/decisions.md).
LOOKS_WEIGHTS, STRENGTHS = (0.0, 0.1, 0.15, 0.2, 0.3, 0.4), (0.0, 0.25)

#: How much less than the best trial's precision in category and colour may be given for coverage: where the words are
#: known, and where a photo alone is the query, whose words are guessed.
TOLERANCE, PHOTO_TOLERANCE = 0.005, 0.025

PHOTO_ALONE = "photo alone"

#: Items of the trials at most, as queries and as gallery.
MOST_ITEMS = 6000


@dataclass(frozen=True)
class HubCorrection:
    """What turns an item's nearness to queries into the number that is added to its similarities.

    Attributes
    ----------
    strength : float
        0 (none) to 1; half of CSLS's is 0.5 (`neighbours.hubs`).
    colour_weight, looks_weight : float
        Of the queries by which nearness is measured.
    seed : int
        Of the queries drawn.
    mean : float
        Mean over the report's items of the similarity of their nearest queries: corrections are 0 on average.
    """

    strength: float
    colour_weight: float
    looks_weight: float
    seed: int
    mean: float = 0.0

    def report(self, vectors: Float, layout: Layout) -> tuple[Float, HubCorrection]:
        """A report's gallery vectors with their corrections, and this correction with their mean.

        Parameters
        ----------
        vectors : ndarray of float32, shape (n, d)
            From `AttributesNetwork.compose`.
        layout : Layout
        """
        rows = some_rows(len(vectors), QUERIES, self.seed)
        near = nearest_query_similarity(self.queries(vectors[rows], layout), vectors, rows)
        fitted = replace(self, mean=float(near.mean()))
        return layout.with_hubs(vectors, fitted._of(near)), fitted

    def added(self, new: Float, vectors: Float, layout: Layout, rows: NDArray[np.integer] | None = None) -> Float:
        """Added items' gallery vectors with their corrections, by the report's items `vectors` as queries.

        `rows` are those of renewed items in the report, -1 for new ones: an item is no query to itself.
        """
        drawn, own = some_rows(len(vectors), QUERIES, self.seed), None
        if rows is not None and (rows >= 0).any():
            place = np.full(len(vectors), -1)
            place[rows[rows >= 0]] = np.flatnonzero(rows >= 0)
            own = place[drawn]
        near = nearest_query_similarity(self.queries(vectors[drawn], layout), new, own)
        return layout.with_hubs(new, self._of(near))

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)

    def queries(self, vectors: Float, layout: Layout) -> Float:
        """Gallery vectors as the queries by which nearness is measured."""
        return layout.queries(vectors, layout.weights(self.colour_weight, self.looks_weight))

    def _of(self, near: Float) -> Float:
        return np.asarray(-self.strength * (near - self.mean), np.float32)


def weight_trials(
    vectors: Mapping[str, Float], layout: Layout, items: pd.DataFrame, validation: NDArray[np.bool_], seed: int
) -> pd.DataFrame:
    """Precision of validation items, and coverage, at each weight of looks and strength of the correction for hubs.

    Lists have the default length and weight of colour, so that a report with others needs no other choice.

    Parameters
    ----------
    vectors : mapping of str to ndarray of float32, shapes (n, d)
        "described" and "learned" gallery vectors, without a correction.
    layout : Layout
    items : DataFrame
    validation : ndarray of bool, shape (n,)
        The queries of the precision.
    seed : int
        Of the items drawn, where there are more than `MOST_ITEMS`.

    Returns
    -------
    DataFrame
        `looks_weight`, `hub_strength`; precision of validation items by the described embedding in `category and
        colour`, `category`, `colour`, `department` and further columns, and `photo alone`, in category and colour by
        the learned one; `never_shown`, the share of the drawn items that are in no list of the described embedding.
    """
    drawn = some_rows(len(items), MOST_ITEMS, seed)
    table, queries = items.iloc[drawn].reset_index(drop=True), np.flatnonzero(validation[drawn])
    columns = ["category", "colour", "department", *layout.further]
    lines = []
    for looks in LOOKS_WEIGHTS:
        for strength in STRENGTHS:
            hubs = HubCorrection(strength, COLOUR_WEIGHT, looks, seed)
            described = _lists(hubs, vectors["described"][drawn], layout)
            learned = _lists(hubs, vectors["learned"][drawn], layout, queries)
            line: dict[str, float] = {"looks_weight": looks, "hub_strength": strength}
            hits = matches(table, described[queries], queries, columns)
            line |= {column: _mean(hits[column]) for column in [BOTH, *columns]}
            line[PHOTO_ALONE] = _mean(matches(table, learned, queries, columns)[BOTH])
            lines.append(line | {"never_shown": float((times_shown(described, len(table)) == 0).mean())})
    return pd.DataFrame(lines)


def _lists(
    hubs: HubCorrection, vectors: Float, layout: Layout, queries: NDArray[np.integer] | None = None
) -> NDArray[np.integer]:
    """Lists of the items `queries`, all if not given, among all."""
    gallery, _ = hubs.report(vectors, layout)
    asked = hubs.queries(gallery if queries is None else gallery[queries], layout)
    return top_k(gallery, min(LIST_LENGTH, len(gallery) - 1), queries, query_vectors=asked)[0]


def _mean(hits: NDArray) -> float:
    return float(hits.mean()) if hits.size else float("nan")


def choose_weights(trials: pd.DataFrame) -> tuple[float, float, str]:
    """The weight of looks and the strength of the correction for hubs, and why.

    Of all trials whose precision in category and colour is within `TOLERANCE` of the best one, and within
    `PHOTO_TOLERANCE` of the best one by photos alone, the one that leaves the smallest share of the catalogue unshown;
    of equal ones the one with more weight on looks. Where no trial is both, photos alone are passed over.
    """
    near = trials[_within(trials[BOTH], TOLERANCE)]
    both = near[_within(trials[PHOTO_ALONE], PHOTO_TOLERANCE).loc[near.index]]
    near = both if len(both) else near
    by_photos = f", and within {PHOTO_TOLERANCE} by photos alone" if len(both) else ""
    line = near.sort_values(["never_shown", "looks_weight"], ascending=[True, False], kind="stable").iloc[0]
    why = (
        f"Looks weigh {line['looks_weight']:.2f} and hubs are corrected by {line['hub_strength']:.2f}: of the trials "
        f"within {TOLERANCE} of the best precision in category and colour{by_photos}, this one leaves the smallest "
        f"share of the catalogue unshown: {line['never_shown']:.3f}, against {trials['never_shown'].iloc[0]:.3f} in "
        "the first trial."
    )
    return float(line["looks_weight"]), float(line["hub_strength"]), why


def _within(values: pd.Series, tolerance: float) -> pd.Series:
    """Whether each is within a tolerance of the best; all are where nothing was measured."""
    return (values >= values.max() - tolerance) | values.isna()
