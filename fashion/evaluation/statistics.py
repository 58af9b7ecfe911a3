"""Bootstrap intervals, paired tests and Holm's correction over queries."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

Float = NDArray[np.float64]

Int = NDArray[np.integer]


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


def mean_where_defined(values: NDArray[np.floating], seed: int) -> dict[str, float]:
    """`bootstrap_interval` of the values that are no NaN, as `mean`, `low`, `high` (NaN without any), and `queries`.

    Examples
    --------
    >>> mean_where_defined(np.array([1.0, np.nan, 1.0]), seed=0)
    {'mean': 1.0, 'low': 1.0, 'high': 1.0, 'queries': 2}
    """
    defined = values[np.isfinite(values)]
    mean, low, high = bootstrap_interval(defined, seed) if len(defined) else (np.nan,) * 3
    return {"mean": mean, "low": low, "high": high, "queries": len(defined)}


@dataclass(frozen=True)
class Difference:
    """A paired difference between two methods: mean over queries, 95% interval, p-value."""

    mean: float
    low: float
    high: float
    p_value: float

    def as_dict(self) -> dict[str, float]:
        """The same values as a dictionary, for JSON."""
        return asdict(self)


def paired_difference(a: ArrayLike, b: ArrayLike, seed: int, *, resamples: int = 5000) -> Difference:
    """Paired difference of two methods on the same queries, with a sign-flip test.

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
    """Mean share by department (largest first) and method; the index has the number of queries."""
    department = items["department"].to_numpy()[np.asarray(queries)]
    table = pd.DataFrame({method: np.asarray(values) for method, values in shares.items()})
    counts = pd.Series(department).value_counts()
    means = table.groupby(department).mean().loc[counts.index]
    means.index = pd.Index([f"{name} ({counts[name]:,})" for name in counts.index], name="department")
    return means


def department_intervals(
    items: pd.DataFrame, queries: ArrayLike, shares: Mapping[str, ArrayLike], seed: int
) -> pd.DataFrame:
    """Mean share by department and method, each with its 95% bootstrap interval.

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


def holm(p_values: ArrayLike) -> Float:
    """Holm's correction of p-values for multiple tests (step-down Bonferroni).

    With the m values in rising order, the i-th (from 0) becomes the largest of (m - j) p_j over j <= i, at most 1;
    the chance of even one false rejection stays below the level (Holm, Scandinavian Journal of Statistics
    6:65-70, 1979).

    Examples
    --------
    >>> holm([0.01, 0.04, 0.03]).round(2).tolist()
    [0.03, 0.06, 0.06]
    """
    p = np.asarray(p_values, np.float64)
    order = np.argsort(p, kind="stable")
    corrected = np.empty(len(p))
    corrected[order] = np.minimum(np.maximum.accumulate(p[order] * np.arange(len(p), 0, -1)), 1)
    return corrected
