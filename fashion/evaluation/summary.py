"""Summaries for notebooks 03, 04 and 06: tables, numbers for results/*.json, and sentences from intervals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from sklearn.metrics import confusion_matrix

from fashion.catalogue.swatches import Swatches
from fashion.core.colour import delta_e, hex_to_lab
from fashion.core.numerals import interval, number_word, p_value, percent
from fashion.evaluation.protocol import (
    AVERAGE_PRECISION,
    BOTH,
    CEILING,
    CORRELATION,
    DESCRIPTION,
    LEAST_P,
    RANDOM,
    Method,
    Protocol,
    paired_tests,
)
from fashion.evaluation.relevance import random_expectation, success_at_k
from fashion.evaluation.statistics import Difference, by_department, department_intervals, paired_difference
from fashion.neighbours.exact import top_k

Int = NDArray[np.integer]

PIXELS, HISTOGRAM, HOG = "raw pixels", "colour histogram", "HOG"

FROZEN, ALL_FEATURES, FROZEN_AND_HISTOGRAM = "frozen", "frozen, max-pooled", "frozen + histogram"

#: Methods to which no word was taught.
UNTRAINED = (PIXELS, HISTOGRAM, HOG, ALL_FEATURES, FROZEN, FROZEN_AND_HISTOGRAM)

LOGISTIC, LEARNED, DESCRIBED = "logistic regression", "learned", "learned, catalogue's words known"

#: Methods for which the query's words are known, too: what the shop shows for an item, and its rival without training.
SHOWN, SAME_WORDS = "described, as the shop shows", "same words, then frozen"

#: Methods in the curve of success.
IN_CURVES = (SHOWN, LEARNED, LOGISTIC, FROZEN_AND_HISTOGRAM, FROZEN, HISTOGRAM, RANDOM)

#: Methods in the curve by gallery size.
BY_GALLERY_SIZE = (DESCRIBED, LEARNED, FROZEN, HISTOGRAM)

#: Methods in the tables by department.
BY_DEPARTMENT = (RANDOM, HISTOGRAM, FROZEN, LEARNED, DESCRIBED)

#: Below this CIEDE2000 distance two colours are shades of one.
NEAR_COLOURS = 12.0


@dataclass
class Evaluation:
    """Tables, tests, sentences and results of a `Protocol` that has run.

    Attributes
    ----------
    trial : Protocol
        With the galleries "whole" and "unseen", and the methods `LEARNED`, `DESCRIBED` and one of `UNTRAINED`.
    methods : mapping of str to Method
        As given to `Protocol.run`, in the order of the tables.
    """

    trial: Protocol
    methods: Mapping[str, Method]
    everyone: list[str] = field(init=False)

    def __post_init__(self) -> None:
        #: All rows of the tables: chance, the methods, the ceiling.
        self.everyone = [RANDOM, *self.methods, CEILING]

    @property
    def precision(self) -> str:
        """Name of the main measure, such as "Precision@6"."""
        return f"Precision@{self.trial.k}"

    @cached_property
    def best_untrained(self) -> str:
        """The method of `UNTRAINED` with the highest precision in category and colour in the whole catalogue."""
        tried = [method for method in UNTRAINED if method in self.methods]
        return max(tried, key=lambda method: float(np.nanmean(self.shares(method)[BOTH])))

    @cached_property
    def measures(self) -> pd.DataFrame:
        """Every measure's mean and interval, from `Protocol.table`."""
        return self.trial.table()

    def shares(self, method: str, gallery: str = "whole") -> pd.DataFrame:
        """Precision@k of each query, one column a label."""
        scores = self.trial.scores
        return pd.DataFrame({c: scores[method, gallery, self.precision, c] for c in self.trial.wanted})

    def table(self, gallery: str, measure: str | None = None) -> pd.DataFrame:
        """A measure in one gallery (Precision@k if none is given): `method`, `column`, `mean`, `low`, `high`."""
        rows = (self.measures["gallery"] == gallery) & (self.measures["measure"] == (measure or self.precision))
        return self.measures[rows].drop(columns=["gallery", "measure", "queries"])

    def means(self, gallery: str, measure: str | None = None) -> pd.DataFrame:
        """The means of `table`: one row a method, one column a label."""
        frame = self.table(gallery, measure)
        wide = frame.pivot(index="method", columns="column", values="mean")
        return wide.loc[self.everyone, list(dict.fromkeys(frame["column"]))]

    @cached_property
    def random_expected(self) -> pd.Series:
        """Expected precision of random recommendations in the whole catalogue, in closed form."""
        trial = self.trial
        return random_expectation(trial.items, trial.queries, trial.galleries["whole"], trial.columns)

    def floor_check(self) -> pd.DataFrame:
        """The random floor, expected in closed form and measured, by label."""
        measured = self.shares(RANDOM).mean()
        return pd.DataFrame({"expected": self.random_expected, "measured": measured}).loc[self.trial.wanted]

    @cached_property
    def tests(self) -> pd.DataFrame:
        """*Learned* against every other method but the ceiling, paired by query, as one family of tests."""
        rivals = [method for method in self.everyone if method not in (LEARNED, CEILING)]
        questions = [(g, self.precision, column) for g in self.trial.galleries for column in ("category", BOTH)]
        return paired_tests(self.trial.scores, LEARNED, rivals, questions, self.trial.seed)

    def tests_table(self) -> pd.DataFrame:
        """`tests` as text: one row a rival, one column a question, each cell gain [interval], p."""
        cells = [
            f"{interval(t['difference'], t['low'], t['high'], '+')}, "
            + p_value(t["p_holm"], t["p_holm"] if t["p"] <= LEAST_P else 0.0)
            for t in self.tests.to_dict("records")
        ]
        asked = self.tests.assign(question=self.tests["gallery"] + ": " + self.tests["column"], cell=cells)
        wide = asked.pivot(index="against", columns="question", values="cell")
        return wide.loc[list(dict.fromkeys(self.tests["against"]))]

    @cached_property
    def gains(self) -> dict[tuple[str, str], Difference]:
        """Gain of *learned* over the best untrained method: (gallery, label) -> paired difference."""
        return {
            (gallery, column): paired_difference(
                self.shares(LEARNED, gallery)[column].to_numpy(),
                self.shares(self.best_untrained, gallery)[column].to_numpy(),
                self.trial.seed,
            )
            for gallery in self.trial.galleries
            for column in self.trial.wanted
        }

    def near_duplicate_share(self, groups: Int) -> float:
        """Share of *learned*'s recommendations that are near-duplicates of their query.

        Parameters
        ----------
        groups : ndarray of int, shape (n,)
            Group of near-duplicates of each item.
        """
        recommended = self.trial.recommended[LEARNED, "whole"]
        return float((groups[recommended] == groups[self.trial.queries][:, None]).mean())

    def success_table(self) -> pd.DataFrame:
        """Success@1 and Success@k in the whole catalogue, side by side; one column where k is 1."""
        labels = ["category", "colour", BOTH]
        names = [f"Success@{shown}" for shown in dict.fromkeys((1, self.trial.k))]
        return pd.concat({name: self.means("whole", name)[labels] for name in names}, axis=1)

    def success_curve(self) -> pd.DataFrame:
        """Success in category and colour among the first 1, 2 ... k: `method`, `k`, `success`."""
        trial = self.trial
        lines = []
        for method in [RANDOM, *self.methods]:
            rows = trial.recommended[method, "whole"]
            for shown in range(1, trial.k + 1):
                success = success_at_k(trial.items, rows[:, :shown], trial.queries, trial.columns)[BOTH]
                lines.append({"method": method, "k": shown, "success": float(success.mean())})
        return pd.DataFrame(lines)

    @cached_property
    def beyond(self) -> dict[str, pd.DataFrame]:
        """Whole-ranking and graded measures in the whole catalogue: "measure, label" -> rows of `measures`."""
        ndcg = f"nDCG@{self.trial.k}"
        kinds = [(AVERAGE_PRECISION, "category"), (AVERAGE_PRECISION, BOTH), (ndcg, DESCRIPTION),
                 (CORRELATION, DESCRIPTION)]  # fmt: skip
        whole = self.measures[self.measures["gallery"] == "whole"]
        return {f"{m}, {c}": whole[(whole["measure"] == m) & (whole["column"] == c)] for m, c in kinds}

    def beyond_table(self) -> pd.DataFrame:
        """`beyond` as text: one row a method, mean and interval in each cell, and above it the number of queries."""
        cells = {
            f"{name} ({frame['queries'].max():,} queries)": [
                interval(line["mean"], line["low"], line["high"]) for line in frame.to_dict("records")
            ]
            for name, frame in self.beyond.items()
        }
        return pd.DataFrame(cells, index=self.everyone)

    @cached_property
    def by_department(self) -> pd.DataFrame:
        """Precision@k in category and colour by department and method."""
        shares = {method: self.shares(method)[BOTH] for method in BY_DEPARTMENT}
        return by_department(self.trial.items, self.trial.queries, shares)

    @cached_property
    def department_intervals(self) -> pd.DataFrame:
        """`by_department` with intervals, the ceiling added, as a long table."""
        shares = {method: self.shares(method)[BOTH] for method in (*BY_DEPARTMENT, CEILING)}
        return department_intervals(self.trial.items, self.trial.queries, shares, self.trial.seed)

    def departments_table(self) -> pd.DataFrame:
        """`department_intervals` as text, largest department first."""
        table = self.department_intervals
        numbers = table[["mean", "low", "high"]].itertuples(index=False)
        wide = table.assign(cell=[interval(*three) for three in numbers]).pivot(
            index=["department", "queries"], columns="method", values="cell"
        )
        return wide[[*BY_DEPARTMENT, CEILING]].sort_index(level="queries", ascending=False)

    @property
    def without_success(self) -> int:
        """Number of queries without a *learned* recommendation that matches in category or colour."""
        share = self.shares(LEARNED)
        return int(((share["category"] == 0) & (share["colour"] == 0)).sum())

    @property
    def least_share(self) -> float:
        """The share of the worst query's *learned* recommendations that match in both words; NaN without queries."""
        return float(self.shares(LEARNED)[BOTH].min())

    def worst(self, count: int = 5) -> tuple[Int, Int, NDArray[np.float32]]:
        """The worst queries of *learned*: least precise in both, then in either, with ties broken at random.

        Returns
        -------
        rows : ndarray of int, shape (count,)
        recommended, similarity : ndarray, shape (count, k)
        """
        trial, share = self.trial, self.shares(LEARNED)
        shuffled = np.random.default_rng(trial.seed).permutation(len(trial.queries))
        keys = [share[column].to_numpy()[shuffled] for column in ("colour", "category", BOTH)]
        worst = shuffled[np.lexsort(keys)][:count]
        rows = trial.queries[worst]
        query_table, gallery_table = self.methods[LEARNED]
        similarity = top_k(gallery_table, trial.k, queries=rows, query_vectors=np.asarray(query_table)[rows])[1]
        return rows, trial.recommended[LEARNED, "whole"][worst], similarity

    def headline(self) -> list[dict[str, str]]:
        """The report's three tiles: Precision@k in category and colour, by photo alone, on held-out queries."""
        best, strict = self._means_of("whole"), self._means_of("unseen")
        return [
            {
                "label": f"of the {number_word(self.trial.k)} items recommended by photo alone match in category and "
                "colour (learned, held-out queries, whole catalogue)",
                "value": percent(best[LEARNED]),
            },
            {
                "label": f"by the best method without training ({self.best_untrained}) for the same queries; "
                f"{percent(best[RANDOM])} at random",
                "value": percent(best[self.best_untrained]),
            },
            {
                "label": f"among items unseen in training, as new arrivals are ({self.best_untrained}: "
                f"{percent(strict[self.best_untrained])})",
                "value": percent(strict[LEARNED]),
            },
        ]

    def _means_of(self, gallery: str) -> dict[str, float]:
        table = self.table(gallery)
        both = table[table["column"] == BOTH]
        return dict(zip(both["method"], both["mean"], strict=True))

    def results(
        self, groups: Int, curves: Curves, untaught: pd.DataFrame, coverage: pd.DataFrame, never_shown: pd.DataFrame,
        known_items: pd.DataFrame, by_people: pd.DataFrame,
    ) -> dict[str, Any]:  # fmt: skip
        """The numbers of results/06.json, and of metrics.json.

        Parameters
        ----------
        groups : ndarray of int, shape (n,)
            Group of near-duplicates of each item.
        curves : Curves
        untaught : DataFrame
            From `untaught.untaught_table`.
        coverage, never_shown : DataFrame
            From `coverage.coverage_table`, and by department from `coverage.never_shown_by`.
        known_items : DataFrame
            From `known_item.known_item_trial`.
        by_people : DataFrame
            From `judgements.by_people`.
        """
        trial, beyond = self.trial, self.beyond[f"nDCG@{self.trial.k}, {DESCRIPTION}"]
        return {
            "protocol": trial.terms,
            "queries": len(trial.queries),
            "k": trial.k,
            "precision_at_k": _by_method(self.table("whole")),
            "precision_at_k_unseen_gallery": _by_method(self.table("unseen")),
            "unseen_gallery_items": len(trial.galleries["unseen"]),
            "graded_ndcg": beyond[["method", "mean", "low", "high"]].to_dict("records"),
            "measures": self.measures.to_dict("records"),
            "deep_queries": len(trial.deep_places),
            "paired_tests": self.tests.to_dict("records"),
            "by_department_intervals": self.department_intervals.to_dict("records"),
            **curves.as_dict(),
            "random_expected": {column: float(self.random_expected[column]) for column in trial.wanted},
            "best_untrained": self.best_untrained,
            "learned_less_untrained": {
                gallery: {column: self.gains[gallery, column].as_dict() for column in trial.wanted}
                for gallery in trial.galleries
            },
            "near_duplicate_recommendations": self.near_duplicate_share(groups),
            "by_department": self.by_department.reset_index().to_dict("records"),
            "success": self.success_curve().to_dict("records"),
            "nothing_agrees": {
                "queries": self.without_success,
                "share": self.without_success / len(trial.queries),
            },
            "untaught": untaught.to_dict("records"),
            "coverage": coverage.to_dict("records"),
            "never_shown_by_department": never_shown.reset_index().to_dict("records"),
            "known_item": known_items.to_dict("records"),
            "by_people": by_people.to_dict("records"),
        }


def _by_method(table: pd.DataFrame) -> list[dict[str, Any]]:
    """One record a method of a long table: label -> mean, low, high."""
    return [
        {"method": method}
        | {line["column"]: {key: line[key] for key in ("mean", "low", "high")} for line in group.to_dict("records")}
        for method, group in table.groupby("method", sort=False)
    ]


@dataclass(frozen=True)
class Curves:
    """Precision@k of some of the queries by gallery size, vector length and weight of colour.

    Attributes
    ----------
    queries : int
        Number of queries.
    gallery_size, embedding_size, colour_weight : DataFrame
        From `curves.by_gallery_size`, `curves.by_embedding_length` and `curves.by_colour_weight`.
    """

    queries: int
    gallery_size: pd.DataFrame
    embedding_size: pd.DataFrame
    colour_weight: pd.DataFrame

    def as_dict(self) -> dict[str, Any]:
        """The numbers as a dictionary, for the results."""
        return {
            "curve_queries": self.queries,
            "gallery_size": self.gallery_size.to_dict("records"),
            "embedding_size": self.embedding_size.to_dict("records"),
            "colour_weight": self.colour_weight.to_dict("records"),
            "dimensions_for_95_percent": lengths_that_keep(self.embedding_size),
        }


def lengths_that_keep(length_curve: pd.DataFrame, share: float = 0.95, column: str = BOTH) -> dict[str, int]:
    """The shortest vectors that keep `share` of the uncut embedding's precision: method -> dimensions.

    Parameters
    ----------
    length_curve : DataFrame
        From `curves.by_embedding_length`; the uncut embedding is each method's last line.
    share : float
    column : str
    """
    lengths = {}
    for method, frame in length_curve[length_curve["column"] == column].groupby("method", sort=False):
        enough = frame["mean"] >= share * frame["mean"].iloc[-1]
        lengths[str(method)] = int(frame.loc[enough, "length"].min())
    return lengths


# -- notebook 03 --------------------------------------------------------------------------------------------------


def leakage_audit(split: NDArray[np.str_], pairs: ArrayLike, by_hash: ArrayLike) -> dict[str, int]:
    """Count near-duplicate pairs, and those with one item in train and the other in test (there should be none).

    Parameters
    ----------
    split : ndarray of str, shape (n,)
        From `evaluation.split`.
    pairs : array of int, shape (p, 2)
        Near-duplicates.
    by_hash : array of int, shape (h, 2)
        Pairs whose perceptual hashes are nearly equal, near-duplicates or not.
    """
    counts = {}
    for name, rows in (("near-duplicate pairs", pairs), ("pairs by hash alone", by_hash)):
        sides = split[np.asarray(rows, int).reshape(-1, 2)]
        counts[name] = len(sides)
        counts[f"{name} across the line"] = int(((sides == "train").any(axis=1) & (sides == "test").any(axis=1)).sum())
    return counts


@dataclass(frozen=True)
class SplitAudit:
    """A split, its groups of near-duplicates, and the pairs that a leak would show in.

    Attributes
    ----------
    split : ndarray of str, shape (n,)
        From `evaluation.split`.
    groups : ndarray of int, shape (n,)
        Group of near-duplicates of each item.
    pairs, by_hash : array of int, shapes (p, 2) and (h, 2)
        As for `leakage_audit`.
    """

    split: NDArray[np.str_]
    groups: Int
    pairs: ArrayLike
    by_hash: ArrayLike

    @cached_property
    def counts(self) -> dict[str, int]:
        """Items of train, validation and test, the largest first."""
        return {str(name): int(count) for name, count in pd.Series(self.split).value_counts().items()}

    @cached_property
    def leaks(self) -> dict[str, int]:
        """The counts of `leakage_audit`."""
        return leakage_audit(self.split, self.pairs, self.by_hash)

    def table(self) -> pd.DataFrame:
        """`leaks` for people."""
        names = ["near-duplicate pairs", "pairs with similar hashes"]
        texts = [text for name in names for text in (name, f"{name} between train and test")]
        return pd.Series(list(self.leaks.values()), texts).rename_axis("pairs").to_frame("number")

    def as_dict(self) -> dict[str, Any]:
        """The numbers as a dictionary, for the results."""
        return {
            "split": self.counts,
            "near_duplicate_groups": int((np.bincount(self.groups) > 1).sum()),
            "leakage_audit": self.leaks,
        }


def commonest_word_accuracy(items: pd.DataFrame, split: NDArray[np.str_]) -> dict[str, float]:
    """Accuracy on test items of always predicting the most frequent training word: the baseline."""
    train, test = items[split == "train"], items[split == "test"]
    return {name: float((test[name] == train[name].mode()[0]).mean()) for name in ("category", "colour")}


def confusion(predicted: pd.DataFrame, name: str, words: Sequence[str]) -> NDArray[np.int64]:
    """Confusion matrix of some words: rows true, columns predicted; other words are left out."""
    return np.asarray(confusion_matrix(predicted[name], predicted[f"{name}_predicted"], labels=list(words)))


def confused_pairs(
    matrix: NDArray[np.integer], words: Sequence[str], hexes: Mapping[str, str], most: int = 15, least_items: int = 10
) -> pd.DataFrame:
    """The most frequent confusions of colour words: `labelled`, `predicted`, `share`, `distance` (CIEDE2000).

    Parameters
    ----------
    matrix : ndarray of int, shape (c, c)
        From `confusion`.
    words : sequence of str, length c
    hexes : mapping of str to str
        Word -> colour.
    most : int
        Largest number of pairs.
    least_items : int
        Words with fewer items are left out, where any word has so many: a share of a handful says nothing.
    """
    counts = matrix.sum(axis=1)
    share = matrix / np.maximum(counts[:, np.newaxis], 1)
    np.fill_diagonal(share, 0)
    share[counts < min(least_items, counts.max())] = 0
    order = np.argsort(-share, axis=None, kind="stable")[:most]
    places = [(i, j) for i, j in np.dstack(np.unravel_index(order, share.shape))[0] if share[i, j] > 0]
    labelled, predicted = [words[i] for i, _ in places], [words[j] for _, j in places]
    return pd.DataFrame(
        {
            "labelled": labelled,
            "predicted": predicted,
            "share": [share[i, j] for i, j in places],
            "distance": _distances(labelled, predicted, hexes),
        }
    )


def near_confusions(predicted: pd.DataFrame, swatches: Swatches, within: float = NEAR_COLOURS) -> tuple[int, float]:
    """Number of confusions of colours that have a swatch, and the share between near colours.

    Parameters
    ----------
    predicted : DataFrame
        With `colour` and `colour_predicted`.
    swatches : mapping of str to str
        From `Run.swatches`.
    within : float
        CIEDE2000 up to which two colours are near.

    Returns
    -------
    count : int
    share : float
        NaN where nothing is confused.
    """
    wrong = predicted[predicted["colour"] != predicted["colour_predicted"]]
    wrong = wrong[wrong["colour"].isin(list(swatches)) & wrong["colour_predicted"].isin(list(swatches))]
    if wrong.empty:
        return 0, float("nan")
    apart = _distances(list(wrong["colour"]), list(wrong["colour_predicted"]), swatches)
    return len(wrong), float((apart <= within).mean())


def _distances(some: Sequence[str], others: Sequence[str], hexes: Mapping[str, str]) -> NDArray[np.float64]:
    return np.asarray(delta_e(hex_to_lab([hexes[word] for word in some]), hex_to_lab([hexes[word] for word in others])))


def class_accuracy(predicted: pd.DataFrame, name: str) -> pd.DataFrame:
    """Accuracy of each true word: `name`, `accuracy`, `items`."""
    right = predicted[name] == predicted[f"{name}_predicted"]
    table = right.groupby(predicted[name]).agg(["mean", "size"])
    return table.rename(columns={"mean": "accuracy", "size": "items"}).rename_axis("name").reset_index()


# -- notebook 04 --------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Misses:
    """Queries without a recommendation of their own category.

    Attributes
    ----------
    rows : ndarray of int, shape (m,)
        The queries; the one with the most similar first recommendation first.
    items : int
        All queries.
    confused : Series of int
        "own category  →  recommended category" -> how often, most frequent first.
    rare : float
        Share of the misses in categories with at most k items, too few for k correct ones; 0 without misses.
    """

    rows: Int
    items: int
    confused: pd.Series
    rare: float

    def as_dict(self) -> dict[str, Any]:
        """The numbers as a dictionary, for JSON."""
        return {
            "items": len(self.rows),
            "share": len(self.rows) / self.items,
            "share_of_rare_categories": self.rare,
            "confused": {str(pair): int(count) for pair, count in self.confused.head(20).items()},
        }


def category_misses(items: pd.DataFrame, recommended: Int, similarity: NDArray[np.floating]) -> Misses:
    """Queries that miss their category altogether, with every item as a query.

    Parameters
    ----------
    items : DataFrame
    recommended, similarity : ndarray, shape (n, k)
        From `Recommender.nearest_of_all`.
    """
    category, k = items["category"].to_numpy(), recommended.shape[1]
    missed = np.flatnonzero(~(category[recommended] == category[:, np.newaxis]).any(axis=1))
    pairs = pd.Series(
        np.repeat(category[missed], k) + "  →  " + category[recommended[missed]].ravel(), dtype=object
    ).value_counts()
    sizes = items["category"].value_counts()
    rare = float((sizes[items["category"].iloc[missed]] <= k).mean()) if len(missed) else 0.0
    ordered = missed[np.argsort(-similarity[missed, 0], kind="stable")]
    return Misses(ordered, len(items), pairs, rare)
