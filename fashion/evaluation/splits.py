"""Train, validation and test split; folds of cross-validation."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fashion.catalogue.sampling import quotas
from fashion.core.errors import ArtefactError
from fashion.core.numerals import percent

Int = NDArray[np.integer]


def split(
    items: pd.DataFrame,
    groups: Int,
    seed: int,
    *,
    test: float = 0.2,
    validation: float = 0.1,
    most: int = 3000,
) -> NDArray[np.str_]:
    """Split items into train, validation and test, with each group of near-duplicates in one split.

    Departments keep their shares as far as groups allow: groups are drawn within the department of their
    first item until its quota is filled. As each group lies in one split, no query has a near-duplicate in
    training.

    Parameters
    ----------
    items : DataFrame
        With `department`.
    groups : ndarray of int, shape (n,)
        From `duplicates.duplicate_groups`.
    seed : int
    test, validation : float
        Shares, together below 1.
    most : int
        Largest number of items in test, and in validation.

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
    assigned = np.full(n, "train", dtype="<U10")
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
    assigned[:] = chosen[groups]
    if not (assigned == "test").any():
        raise ArtefactError(
            f"expected items to test on; found none: the largest group of near-duplicates holds {size.max()} of "
            f"{n} items, so nothing fits into a test part of {percent(test)}. If most photos count as near-duplicates, "
            "the network's weights are probably untrained; if the catalogue is small, use more items."
        )
    return assigned


def leading_words(words: NDArray, groups: Int) -> pd.Series:
    """Each group's word, that of its first item, by group."""
    return pd.Series(words).groupby(groups).first()


def folds(words: NDArray, groups: Int, count: int, seed: int) -> NDArray[np.int64]:
    """Folds of cross-validation, 0 to `count` - 1, shape (n,), with each group of near-duplicates in one of them.

    The groups of each word (`leading_words`) are dealt out in turn, so a word's folds differ by one group at most, and
    a word of `count` groups or more is in every fold.

    Examples
    --------
    >>> np.bincount(folds(np.array(["a"] * 6 + ["b"] * 4), np.arange(10), 2, seed=0)).tolist()
    [5, 5]
    """
    leading = leading_words(words, groups)
    dealt = np.random.default_rng(seed).permutation(len(leading))
    dealt = dealt[np.argsort(pd.factorize(leading, sort=True)[0][dealt], kind="stable")]
    fold = np.empty(len(leading), np.int64)
    fold[dealt] = np.arange(len(dealt)) % count
    return fold[np.searchsorted(leading.index.to_numpy(), groups)]
