"""Samples of a table: its first rows, or a seeded sample stratified by group."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray


def take_first(rows: pd.DataFrame, first: int) -> pd.DataFrame:
    """The first `first` rows, as the table has them (the original study's slice)."""
    return rows[rows["row"] <= first].reset_index(drop=True)


def quotas(sizes: NDArray[np.integer], total: int) -> NDArray[np.int64]:
    """Divide `total` among groups by their sizes: whole numbers first, the rest to the largest remainders (Hamilton).

    Examples
    --------
    >>> quotas(np.array([50, 30, 20]), 7).tolist()
    [4, 2, 1]
    """
    exact = sizes * total / sizes.sum()
    counts = np.floor(exact).astype(np.int64)
    counts[np.argsort(-(exact - counts), kind="stable")[: total - counts.sum()]] += 1
    return counts


def take_stratified(rows: pd.DataFrame, limit: int, seed: int, by: str = "department") -> pd.DataFrame:
    """A seeded sample of `limit` rows with each group's share kept, in the table's order.

    Divided by `quotas`, so the sizes sum to `limit` exactly and a group's size is never more than one off its quota.
    """
    if limit >= len(rows) or limit < 1:
        return rows.reset_index(drop=True)
    groups = rows.groupby(by, sort=True).indices if by in rows else {"": np.arange(len(rows))}
    sizes = np.array([len(index) for index in groups.values()])
    counts = quotas(sizes, limit)
    random = np.random.default_rng(seed)
    chosen = [random.permutation(index)[:n] for index, n in zip(groups.values(), counts, strict=True)]
    return rows.iloc[np.sort(np.concatenate(chosen))].reset_index(drop=True)
