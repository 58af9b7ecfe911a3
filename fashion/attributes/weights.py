"""Weights of looks and further columns, and the correction for hubs: chosen on validation items by a stated rule."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fashion.attributes.layout import Layout
from fashion.core.defaults import COLOUR_WEIGHT, LIST_LENGTH
from fashion.core.numerals import decimal, number
from fashion.embedding.features import some_rows
from fashion.evaluation.coverage import times_shown
from fashion.evaluation.relevance import BOTH, matches
from fashion.neighbours.exact import top_k
from fashion.neighbours.hubs import QUERIES, nearest_query_similarity

Float = NDArray[np.float32]

#: Shares of the looks and strengths of the correction for hubs that are tried. Half of CSLS and more shows hardly more
#: of a catalogue, and costs a photo alone another .02 in both words (docs/decisions.md).
LOOKS_WEIGHTS, STRENGTHS = (0.0, 0.1, 0.15, 0.2, 0.25, 0.3, 0.4), (0.0, 0.25)

#: Weights of a further column that are tried, where category and colour have one together.
FURTHER_WEIGHTS = (0.05, 0.1, 0.15, 0.2, 0.3)

#: How much less than the best trial's precision in category and colour may be given for coverage: where the words are
#: known, and where a photo alone is the query, whose words are guessed.
TOLERANCE, PHOTO_TOLERANCE = 0.005, 0.025

#: The same for a further column, where the words are known.
FURTHER_TOLERANCE = 0.003

PHOTO_ALONE = "photo alone"

#: Shares of the catalogue that may stay unshown, as described and by photos alone: less is worth no precision.
UNSHOWN, UNSHOWN_BY_PHOTOS = "never_shown", "never_shown_by_photos"
MOST_UNSHOWN = {UNSHOWN: 0.03, UNSHOWN_BY_PHOTOS: 0.06}

#: Measure of coverage -> the embedding it is measured on.
UNSHOWN_OF = {UNSHOWN: "described", UNSHOWN_BY_PHOTOS: "learned"}

#: Items of the trials at most, as queries and as gallery.
MOST_ITEMS = 6000

#: Items on which the chosen trial's coverage is measured at most. A larger catalogue has more hubs: of ImageLab's
#: 59,524 items, several times the share of a sample of 6,000 is never shown.
MOST_SHOWN = 60_000


@dataclass(frozen=True)
class HubCorrection:
    """Correction for hubs: the number, from an item's nearness to queries, that is added to its similarities.

    Nearness is the mean similarity of its nearest queries (CSLS), and half its similarity to itself. An item of which
    the network is sure agrees most with all queries of its words; less half of its own agreement, the order is that of
    the distance between query and item, and such items no longer come first everywhere.

    Attributes
    ----------
    strength : float
        0 (none) to 1; half of CSLS's is 0.5 (`neighbours.hubs`).
    colour_weight, looks_weight : float
        Of the queries by which nearness is measured.
    seed : int
        Of the queries drawn.
    mean : float
        Mean of the report's items' nearness: corrections are 0 on average.
    most_queries : int
        Queries drawn at most: of added items as many as of the report's. 4,096 in reports that do not say.
    """

    strength: float
    colour_weight: float
    looks_weight: float
    seed: int
    mean: float = 0.0
    most_queries: int = 4096

    def report(self, vectors: Float, layout: Layout) -> tuple[Float, HubCorrection]:
        """A report's gallery vectors with their corrections, and this correction with their mean.

        Parameters
        ----------
        vectors : ndarray of float32, shape (n, d)
            From `AttributesNetwork.compose`.
        layout : Layout
        """
        rows = some_rows(len(vectors), QUERIES, self.seed)
        near = self._nearness(vectors, self.queries(vectors[rows], layout), layout, rows)
        fitted = replace(self, mean=float(near.mean()), most_queries=QUERIES)
        return layout.with_hubs(vectors, fitted._of(near)), fitted

    def added(self, new: Float, vectors: Float, layout: Layout, rows: NDArray[np.integer] | None = None) -> Float:
        """Added items' gallery vectors with their corrections, by the report's items `vectors` as queries.

        `rows` are those of renewed items in the report, -1 for new ones: an item is no query to itself.
        """
        drawn, own = some_rows(len(vectors), self.most_queries, self.seed), None
        if rows is not None and (rows >= 0).any():
            place = np.full(len(vectors), -1)
            place[rows[rows >= 0]] = np.flatnonzero(rows >= 0)
            own = place[drawn]
        near = self._nearness(new, self.queries(vectors[drawn], layout), layout, own)
        return layout.with_hubs(new, self._of(near))

    def as_dict(self) -> dict[str, Any]:
        """The same values as a dictionary, for JSON."""
        return asdict(self)

    def queries(self, vectors: Float, layout: Layout) -> Float:
        """Gallery vectors as the queries by which nearness is measured."""
        return layout.queries(vectors, layout.weights(self.colour_weight, self.looks_weight))

    def _nearness(
        self, vectors: Float, queries: Float, layout: Layout, own: NDArray[np.integer] | None = None
    ) -> Float:
        itself = np.einsum("nd,nd->n", self.queries(vectors, layout), vectors)  # no correction is in them yet
        return np.asarray(nearest_query_similarity(queries, vectors, own) + itself / 2, np.float32)

    def _of(self, near: Float) -> Float:
        return np.asarray(-self.strength * (near - self.mean), np.float32)


def weight_trials(
    vectors: Mapping[str, Float], layout: Layout, items: pd.DataFrame, validation: NDArray[np.bool_], seed: int,
    *, k: int = LIST_LENGTH, colour_weight: float = COLOUR_WEIGHT,
) -> pd.DataFrame:  # fmt: skip
    """Precision of validation items, and coverage, at each weight of looks and strength of the correction for hubs.

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
    k : int
        Length of the lists.
    colour_weight : float
        Share of the colour in the words' similarity, 0 to 1.

    Returns
    -------
    DataFrame
        `looks_weight`, `hub_strength`; precision of validation items by the described embedding in `category and
        colour`, `category`, `colour`, `department` and further columns, and `photo alone`, in category and colour by
        the learned one; `never_shown` and `never_shown_by_photos`, the shares of items that are in no list of the
        described and of the learned embedding; `shown_among`, the number of items they were measured on.
    """
    trial = _Trial.drawn(vectors, items, validation, seed, k, colour_weight)
    pairs = [(looks, strength) for looks in LOOKS_WEIGHTS for strength in STRENGTHS]
    return pd.DataFrame([
        {"looks_weight": looks, "hub_strength": strength} | trial.measured(layout, looks, strength)
        for looks, strength in pairs
    ])  # fmt: skip


def measure_coverage(
    trials: pd.DataFrame, vectors: Mapping[str, Float], layout: Layout, seed: int,
    *, k: int = LIST_LENGTH, colour_weight: float = COLOUR_WEIGHT,
) -> pd.DataFrame:  # fmt: skip
    """The trials, with the coverage of the first and of the chosen one measured on all items.

    A small sample understates the share that is never shown. So the chosen trial is measured on up to `MOST_SHOWN`
    items, and the rule is applied again, until its choice is one that was measured so: at most each trial once, on
    ImageLab three. Further columns have no weight yet.

    Parameters
    ----------
    trials : DataFrame
        From `weight_trials`; the other parameters as for it.
    """
    rows = some_rows(len(vectors["described"]), MOST_SHOWN, seed)
    if len(rows) <= MOST_ITEMS:
        return trials
    tables = {name: table if len(rows) == len(table) else table[rows] for name, table in vectors.items()}
    trials = trials.copy()
    while True:
        compared = trials.loc[[trials.index[0], _row(trials, *choose_weights(trials)[:2]).name]].drop_duplicates()
        unmeasured = compared[compared["shown_among"] < len(rows)]
        if unmeasured.empty:
            return trials
        for place, trial in unmeasured.iterrows():
            hubs = HubCorrection(trial["hub_strength"], colour_weight, trial["looks_weight"], seed)
            for measure, name in UNSHOWN_OF.items():
                trials.loc[place, measure] = _unshown(_lists(hubs, tables[name], layout, k))
            trials.loc[place, "shown_among"] = len(rows)


def further_trials(
    vectors: Mapping[str, Float], layout: Layout, items: pd.DataFrame, validation: NDArray[np.bool_], seed: int,
    trials: pd.DataFrame, chosen: tuple[float, float], *, k: int = LIST_LENGTH, colour_weight: float = COLOUR_WEIGHT,
) -> tuple[dict[str, float], pd.DataFrame]:  # fmt: skip
    """The weight of each further column, and the trials by which it was chosen.

    One column after the other, the one in which lists agree least first. Of its weights at which both words stay within
    `FURTHER_TOLERANCE` of the best one of `trials`, and photos alone within `PHOTO_TOLERANCE`, the one at which lists
    agree most in the column; of equal ones the smallest. Where none is within, the column keeps its usual weight.

    Parameters
    ----------
    vectors, layout, items, validation, seed, k, colour_weight
        As for `weight_trials`.
    trials : DataFrame
        From `weight_trials`.
    chosen : (looks_weight, hub_strength)
        From `choose_weights`.

    Returns
    -------
    shares : dict of str to float
        As in `Layout`.
    further : DataFrame
        `column`, `weight`, and the measures of `trials`.
    """
    trial = _Trial.drawn(vectors, items, validation, seed, k, colour_weight)
    own = _row(trials, *chosen)
    weights = layout.weights(colour_weight, looks_weight=0)
    words = weights["category"] + weights["colour"]
    shares, lines = {column: round(weights[column] / words, 6) for column in layout.further}, []
    for column in sorted(layout.further, key=lambda name: own[name]):
        tried = pd.DataFrame([
            {"column": column, "weight": weight}
            | trial.measured(replace(layout, further_shares=shares | {column: weight}), *chosen)
            for weight in FURTHER_WEIGHTS
        ])  # fmt: skip
        lines.append(tried)
        near = tried[
            _within(tried[BOTH], FURTHER_TOLERANCE, trials[BOTH])
            & _within(tried[PHOTO_ALONE], PHOTO_TOLERANCE, trials[PHOTO_ALONE])
        ]
        if len(near) and near[column].notna().all():
            shares[column] = float(near.sort_values([column, "weight"], ascending=[False, True])["weight"].iloc[0])
    return shares, pd.concat(lines, ignore_index=True) if lines else pd.DataFrame()


@dataclass(frozen=True)
class Weights:
    """A report's weight of looks, its correction for hubs, and the weights of its further columns.

    Attributes
    ----------
    looks, hub_strength : float
    why : str
        The reason, for people.
    shares : dict of str to float
        Of the further columns, as in `Layout`; those without a trial keep their usual weight.
    trials, further_trials : DataFrame
        From `weight_trials` and `further_trials`; empty where nothing was tried.
    """

    looks: float
    hub_strength: float
    why: str
    shares: Mapping[str, float] = field(default_factory=dict)
    trials: pd.DataFrame = field(default_factory=pd.DataFrame)
    further_trials: pd.DataFrame = field(default_factory=pd.DataFrame)

    @classmethod
    def by_trials(
        cls, vectors: Mapping[str, Float], layout: Layout, items: pd.DataFrame, validation: NDArray[np.bool_],
        seed: int, *, k: int = LIST_LENGTH, colour_weight: float = COLOUR_WEIGHT,
    ) -> Weights:  # fmt: skip
        """The weights that the trials on validation items choose; parameters as for `weight_trials`."""
        lists: dict[str, Any] = {"k": k, "colour_weight": colour_weight}
        trials = weight_trials(vectors, layout, items, validation, seed, **lists)
        trials = measure_coverage(trials, vectors, layout, seed, **lists)
        looks, strength, why = choose_weights(trials)
        shares, further = further_trials(vectors, layout, items, validation, seed, trials, (looks, strength), **lists)
        return cls(looks, strength, why, shares, trials, further)

    @property
    def chosen(self) -> tuple[float, float]:
        """The trial that was chosen: weight of looks, strength of the correction for hubs."""
        return self.looks, self.hub_strength

    def as_dict(self) -> dict[str, Any]:
        """The numbers as a dictionary, for the results."""
        return {
            "looks": self.looks, "hub_strength": self.hub_strength, "trials": self.trials.to_dict("records"),
            "further": dict(self.shares), "further_trials": self.further_trials.to_dict("records"),
        }  # fmt: skip


@dataclass(frozen=True)
class _Trial:
    """The items of all trials: vectors by embedding, the table, the rows that are queries; and how lists are made."""

    vectors: Mapping[str, Float]
    items: pd.DataFrame
    queries: NDArray[np.integer]
    seed: int
    k: int
    colour_weight: float

    @classmethod
    def drawn(
        cls, vectors: Mapping[str, Float], items: pd.DataFrame, validation: NDArray[np.bool_], seed: int, k: int,
        colour_weight: float,
    ) -> _Trial:  # fmt: skip
        rows = some_rows(len(items), MOST_ITEMS, seed)
        tables = {name: table[rows] for name, table in vectors.items()}
        return cls(tables, items.iloc[rows].reset_index(drop=True), np.flatnonzero(validation[rows]), seed, k,
                   colour_weight)  # fmt: skip

    def measured(self, layout: Layout, looks: float, strength: float) -> dict[str, float]:
        columns = ["category", "colour", "department", *layout.further]
        hubs = HubCorrection(strength, self.colour_weight, looks, self.seed)
        lists = {name: _lists(hubs, table, layout, self.k) for name, table in self.vectors.items()}
        hits = {name: matches(self.items, rows[self.queries], self.queries, columns) for name, rows in lists.items()}
        line = {column: _mean(hits["described"][column]) for column in [BOTH, *columns]}
        line[PHOTO_ALONE] = _mean(hits["learned"][BOTH])
        line |= {measure: _unshown(lists[name]) for measure, name in UNSHOWN_OF.items()}
        return line | {"shown_among": len(self.items)}


def _lists(hubs: HubCorrection, vectors: Float, layout: Layout, k: int) -> NDArray[np.integer]:
    """Lists of all items among all, whose vectors have no correction yet."""
    gallery = hubs.report(vectors, layout)[0] if hubs.strength else vectors
    return top_k(gallery, min(k, len(gallery) - 1), query_vectors=hubs.queries(gallery, layout))[0]


def _unshown(lists: NDArray[np.integer]) -> float:
    """The share of items that are in no list, where each item has one."""
    return float((times_shown(lists, len(lists)) == 0).mean())


def _row(trials: pd.DataFrame, looks: float, strength: float) -> pd.Series:
    """The trial of these weights."""
    return trials[(trials["looks_weight"] == looks) & (trials["hub_strength"] == strength)].iloc[0]


def _mean(hits: NDArray) -> float:
    return float(hits.mean()) if hits.size else float("nan")


def choose_weights(trials: pd.DataFrame) -> tuple[float, float, str]:
    """The weight of looks and the strength of the correction for hubs, and why.

    Of all trials whose precision in category and colour is within `TOLERANCE` of the best one, and within
    `PHOTO_TOLERANCE` of the best one by photos alone (where no trial is both, photos alone are passed over): of those
    that leave no more of the catalogue unshown than `MOST_UNSHOWN`, the most precise by photos alone. Where none does
    so, the one that leaves least unshown, as described and by photos together. Of equal ones the one with more weight
    on looks.
    """
    near = trials[_within(trials[BOTH], TOLERANCE)]
    both = near[_within(trials[PHOTO_ALONE], PHOTO_TOLERANCE).loc[near.index]]
    near = both if len(both) else near
    by_photos = f", and within {PHOTO_TOLERANCE} by photos alone" if len(both) else ""
    enough = near[(near[list(MOST_UNSHOWN)] <= pd.Series(MOST_UNSHOWN)).all(axis=1)]
    if len(enough):
        reason = "of those that leave little enough of the catalogue unshown, the most precise by photos alone"
        line = enough.sort_values([PHOTO_ALONE, "looks_weight"], ascending=False, kind="stable").iloc[0]
    else:
        reason = "the one that leaves the smallest share of the catalogue unshown"
        least = near.assign(unshown=near[list(MOST_UNSHOWN)].sum(axis=1))
        line = least.sort_values(["unshown", "looks_weight"], ascending=[True, False], kind="stable").iloc[0]
    first = trials.iloc[0]
    why = (
        f"Weight of looks {number(line['looks_weight'])}, hub correction {number(line['hub_strength'])}: among the "
        f"trials within {TOLERANCE} of the best precision in category and colour{by_photos}, {reason}. Unshown: "
        f"{decimal(line[UNSHOWN])} (by photos alone {decimal(line[UNSHOWN_BY_PHOTOS])}), against "
        f"{decimal(first[UNSHOWN])} ({decimal(first[UNSHOWN_BY_PHOTOS])}) in the first trial."
    )
    return float(line["looks_weight"]), float(line["hub_strength"]), why


def _within(values: pd.Series, tolerance: float, best: pd.Series | None = None) -> pd.Series:
    """For each value, whether it is within a tolerance of the best; True for a value that was not measured."""
    return (values >= (values if best is None else best).max() - tolerance) | values.isna()
