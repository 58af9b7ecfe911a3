"""How far recommendations agree with the query's description: protocol, shares, intervals, tests."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from fashion.errors import ArtefactError
from fashion.metrics import relevance
from fashion.sampling import quotas
from fashion.trec import precision_and_success

Float = NDArray[np.float64]
Int = NDArray[np.integer]

#: Name of the column that holds agreement in category and in colour at once.
BOTH = "category and colour"


def duplicate_groups(n: int, pairs: ArrayLike) -> Int:
    """Group number of each of n items: items that `pairs` (p, 2) join, directly or through others, share one."""
    joined = np.asarray(pairs, int).reshape(-1, 2)
    ones = np.ones(len(joined), bool)
    graph = coo_array((ones, (joined[:, 0], joined[:, 1])), shape=(n, n))
    return np.asarray(connected_components(graph, directed=False)[1])


def split(
    items: pd.DataFrame,
    groups: Int,
    seed: int,
    *,
    test: float = 0.2,
    validation: float = 0.1,
    most: int = 3000,
) -> NDArray[np.str_]:
    """Divide items into train, validation and test; a group of near-duplicates stays on one side.

    Departments keep their shares as far as groups allow: groups are drawn within the department of their
    first item until the department's quota is filled. With a group wholly in one part, no query has a
    near-duplicate in training.

    Parameters
    ----------
    items : DataFrame
        With `department`.
    groups : ndarray of int, shape (n,)
        From `duplicate_groups`.
    seed : int
    test, validation : float
        Shares, together below 1.
    most : int
        Items at most in test and in validation each.

    Returns
    -------
    ndarray of str, shape (n,)
        "train", "validation" or "test".

    Raises
    ------
    ValueError
        When the shares do not leave anything to train with.
    ArtefactError
        When near-duplicates leave nothing to test on.
    """
    if not (test > 0 and validation >= 0 and test + validation < 1):
        raise ValueError(f"expected shares with 0 < test and test + validation < 1; found {test} and {validation}")
    n = len(items)
    part = np.full(n, "train", dtype="<U10")
    first = pd.Series(np.arange(n)).groupby(groups).first()
    size = np.bincount(groups)
    home = items["department"].to_numpy()[first.to_numpy()]
    random = np.random.default_rng(seed)
    chosen = np.full(len(size), "train", dtype="<U10")
    _, inverse = np.unique(home, return_inverse=True)
    items_of = np.bincount(inverse, weights=size).astype(np.int64)
    for name, share in (("test", test), ("validation", validation)):
        for code, room in enumerate(quotas(items_of, min(round(share * n), most))):
            left = int(room)
            for group in random.permutation(np.flatnonzero((inverse == code) & (chosen == "train"))):
                if size[group] <= left:  # a group that does not fit is passed over, not the end
                    chosen[group], left = name, left - int(size[group])
    part[:] = chosen[groups]
    if not (part == "test").any():
        raise ArtefactError(
            f"expected items to test on; found none: the largest group of near-duplicates holds {size.max()} of "
            f"{n} items, so nothing fits into a test part of {test:.0%}. Where most photos are taken for the same, the "
            "network's weights are not trained ones; where the catalogue is small, take more items."
        )
    return part


def agreements(
    items: pd.DataFrame, found: ArrayLike, queries: ArrayLike, columns: Sequence[str]
) -> dict[str, NDArray[np.bool_]]:
    """Whether each recommendation agrees with its query, label by label.

    Parameters
    ----------
    items, found, queries, columns
        As for `agreement_at_k`.

    Returns
    -------
    dict of str to ndarray of bool, shape (q, k)
    """
    agrees = {column: relevance(items, found, queries, column) for column in columns}
    if {"category", "colour"} <= set(columns):
        agrees[BOTH] = agrees["category"] & agrees["colour"]
    return agrees


def agreement_at_k(items: pd.DataFrame, found: ArrayLike, queries: ArrayLike, columns: Sequence[str]) -> pd.DataFrame:
    """Precision@k by label: for each query the share of its k recommendations that agree with it.

    Parameters
    ----------
    items : DataFrame
        The items table.
    found : array of int, shape (q, k)
        Rows of the recommendations.
    queries : array of int, shape (q,)
        Rows of the queries.
    columns : sequence of str
        Labels to compare; with both category and colour, "category and colour" is added.

    Returns
    -------
    DataFrame of float
        One row a query, one column a label, 0-1.
    """
    agrees = agreements(items, found, queries, columns)
    return pd.DataFrame(_at_k(agrees, "Precision", ()))


def success_at_k(items: pd.DataFrame, found: ArrayLike, queries: ArrayLike, columns: Sequence[str]) -> pd.DataFrame:
    """Success@k (hit rate, which fashion papers call Recall@k): 1 where at least one of the k agrees, else 0."""
    agrees = agreements(items, found, queries, columns)
    return pd.DataFrame(_at_k(agrees, "Success", (np.shape(found)[1],)))


def _at_k(agrees: Mapping[str, NDArray[np.bool_]], measure: str, cutoffs: Sequence[int]) -> dict[str, Float]:
    return {
        column: precision_and_success(hits, cutoffs)[f"{measure}@{hits.shape[1]}"] for column, hits in agrees.items()
    }


def random_neighbours(queries: ArrayLike, gallery: ArrayLike, k: int, seed: int) -> Int:
    """k distinct rows of the gallery for each query, uniformly, never the query itself; shape (q, k)."""
    rows, answers = np.asarray(queries), np.asarray(gallery)
    random = np.random.default_rng(seed)
    found = np.empty((len(rows), k), np.int64)
    for line, query in enumerate(rows):
        drawn = random.choice(len(answers), k + 1, replace=False)
        drawn = drawn[answers[drawn] != query][:k]
        found[line] = answers[drawn]
    return found


def random_expectation(
    items: pd.DataFrame, queries: ArrayLike, gallery: ArrayLike, columns: Sequence[str]
) -> pd.Series:
    """Expected agreement of uniformly random recommendations, in closed form.

    For a query with label y it is (number of gallery items labelled y, less the query itself if it is
    there) / (gallery size, less the query itself), whatever k is; the mean over queries is returned.
    """
    rows, answers = np.asarray(queries), np.asarray(gallery)
    inside = np.isin(rows, answers)
    labels = {column: pd.factorize(items[column])[0] for column in columns}
    if {"category", "colour"} <= set(columns):
        pair = labels["category"] * (labels["colour"].max(initial=0) + 1) + labels["colour"]
        labels[BOTH] = np.where((labels["category"] < 0) | (labels["colour"] < 0), -1, pair)
    expected = {}
    for column, codes in labels.items():
        count = np.bincount(codes[answers] + 1, minlength=codes.max(initial=0) + 2)
        count[0] = 0  # missing words agree with nothing
        alike = count[codes[rows] + 1] - (inside & (codes[rows] >= 0))
        expected[column] = float((alike / (len(answers) - inside)).mean())
    return pd.Series(expected)


def bootstrap_interval(
    values: ArrayLike, seed: int, *, level: float = 0.95, resamples: int = 2000
) -> tuple[float, float, float]:
    """Mean with a percentile bootstrap interval over queries (Efron and Tibshirani 1993, chapter 13).

    Parameters
    ----------
    values : array of float, shape (q,)
        One number a query.
    seed : int
    level : float
        Coverage, 0-1.
    resamples : int

    Returns
    -------
    mean, low, high : float

    Raises
    ------
    ValueError
        When there is no query.
    """
    sample = np.asarray(values, np.float64)
    if sample.ndim != 1 or not len(sample):
        raise ValueError(f"expected one value a query, shape (q,), q > 0; found shape {sample.shape}")
    distinct, count = np.unique(sample, return_counts=True)
    random = np.random.default_rng(seed)
    if len(distinct) <= 100:
        # Resampling n queries with replacement is drawing how often each distinct value occurs.
        means = random.multinomial(len(sample), count / len(sample), resamples) @ distinct / len(sample)
    else:
        means = sample[random.integers(0, len(sample), (resamples, len(sample)), np.uint32)].mean(axis=1)
    low, high = np.quantile(means, [(1 - level) / 2, (1 + level) / 2])
    return float(sample.mean()), float(low), float(high)


@dataclass(frozen=True)
class Difference:
    """A paired difference between two methods: mean over queries, 95 % interval, p-value."""

    mean: float
    low: float
    high: float
    p_value: float

    def as_dict(self) -> dict[str, float]:
        """For JSON."""
        return asdict(self)


def paired_difference(a: ArrayLike, b: ArrayLike, seed: int, *, resamples: int = 5000) -> Difference:
    """Compare two methods on the same queries.

    The p-value is of the two-sided sign-flip test (Fisher 1935): under the hypothesis of no difference each
    query's difference is as likely with the other sign. It counts the observed arrangement, so it is at
    least 1 / (resamples + 1).

    Raises
    ------
    ValueError
        When the two do not have one value for each query.
    """
    first, second = np.asarray(a, np.float64), np.asarray(b, np.float64)
    if first.shape != second.shape:
        raise ValueError(f"expected the same queries for both methods; found shapes {first.shape} and {second.shape}")
    difference = first - second
    mean, low, high = bootstrap_interval(difference, seed)
    size, count = np.unique(np.abs(difference), return_counts=True)
    random = np.random.default_rng(seed)
    # Flipping `count` signs of one size leaves their sum at size * (2 * heads - count).
    heads = random.binomial(count, 0.5, (resamples, len(count)))
    flipped = np.abs((2 * heads - count) @ size / len(difference))
    extreme = int((flipped >= abs(mean) - 1e-12).sum())
    return Difference(mean, low, high, (extreme + 1) / (resamples + 1))


def by_department(items: pd.DataFrame, queries: ArrayLike, shares: Mapping[str, pd.Series]) -> pd.DataFrame:
    """Mean share by the queries' department (largest first) and method; the index tells the number of queries."""
    department = items["department"].to_numpy()[np.asarray(queries)]
    table = pd.DataFrame({method: np.asarray(values) for method, values in shares.items()})
    counts = pd.Series(department).value_counts()
    means = table.groupby(department).mean().loc[counts.index]
    means.index = pd.Index([f"{name} ({counts[name]:,})" for name in counts.index], name="department")
    return means


def department_intervals(
    items: pd.DataFrame, queries: ArrayLike, shares: Mapping[str, ArrayLike], seed: int
) -> pd.DataFrame:
    """Mean share by the queries' department and method, each with its 95 % bootstrap interval.

    Parameters
    ----------
    items : DataFrame
    queries : array of int, shape (q,)
    shares : dict of str to array, shape (q,)
        One number a query, by method.
    seed : int

    Returns
    -------
    DataFrame
        `department` (largest first), `queries`, `method`, `mean`, `low`, `high`; of one query there is no interval,
        and low and high are its mean.
    """
    department = items["department"].to_numpy()[np.asarray(queries)]
    lines = []
    for name, count in pd.Series(department).value_counts().items():
        for method, values in shares.items():
            mean, low, high = bootstrap_interval(np.asarray(values)[department == name], seed)
            lines.append(
                {"department": name, "queries": count, "method": method, "mean": mean, "low": low, "high": high}
            )
    return pd.DataFrame(lines)
