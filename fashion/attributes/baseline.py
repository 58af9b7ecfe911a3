"""Logistic regression on components of the network's inputs: the simplest model that is taught the same words.

It is the baseline of notebook 06, and tells notebook 03 what each item would be called without its own word.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fashion.attributes.palette import palette_features
from fashion.core.defaults import COLOUR_WEIGHT
from fashion.embedding.features import some_rows
from fashion.evaluation.splits import folds
from fashion.neighbours.exact import filled

if TYPE_CHECKING:
    from sklearn.linear_model import LogisticRegression

Float = NDArray[np.float32]

#: Training items at most: enough for a linear model, and its time stays below a minute.
MOST_ITEMS = 10_000

#: scikit-learn's C (the inputs are whitened), and most iterations; some 40 are needed.
PENALTY, ITERATIONS = 0.02, 200


def fitted(inputs: NDArray, words: NDArray) -> LogisticRegression:
    """The regression from inputs, shape (n, d), to two words or more, shape (n,)."""
    from sklearn.linear_model import LogisticRegression

    return LogisticRegression(C=PENALTY, max_iter=ITERATIONS).fit(inputs, words)


def out_of_fold(
    inputs: NDArray, words: NDArray, groups: NDArray[np.integer], count: int, seed: int
) -> tuple[NDArray, Float]:
    """Out-of-fold predictions, with near-duplicates kept in one fold.

    Parameters
    ----------
    inputs : ndarray of float32, shape (n, d)
        Such as `looks`: 128 dimensions keep the cost low, some 25 s for 60,000 items and 161 words on one core.
    words : ndarray of str, shape (n,)
        Each of `count` groups or more (`splits.leading_words`), so that no regression lacks one.
    groups : ndarray of int, shape (n,)
        Near-duplicates, which stay together.
    count : int
        Number of folds, and of regressions.
    seed : int
        Of the folds.

    Returns
    -------
    known : ndarray of str, shape (c,)
        The words, sorted.
    probability : ndarray of float32, shape (n, c)
    """
    known = np.unique(words)
    probability = np.zeros((len(words), len(known)), np.float32)
    fold = folds(words, groups, count, seed)
    for held_out in range(count):
        rows = np.flatnonzero(fold == held_out)
        model = fitted(inputs[fold != held_out], words[fold != held_out])
        probability[np.ix_(rows, np.searchsorted(known, model.classes_))] = model.predict_proba(inputs[rows])
    return known, probability


def logistic_weights(looks: NDArray, classes: NDArray) -> tuple[tuple[str, ...], Float]:
    """A logistic regression from whitened looks to words.

    Parameters
    ----------
    looks : ndarray of float32, shape (n, l)
    classes : ndarray of str, shape (n,)

    Returns
    -------
    words : tuple of str
        Those of `classes`, sorted.
    weights : ndarray of float32, shape (l + 1, words)
        Of the looks, and the intercept in the last row; zeros where there are fewer than two words.
    """
    words = tuple(sorted(set(classes)))
    if len(words) < 2:
        return words, np.zeros((looks.shape[1] + 1, len(words)), np.float32)
    model = fitted(looks, classes)
    kernel, bias = model.coef_.T, model.intercept_
    if len(words) == 2:  # scikit-learn keeps the difference of the two
        kernel, bias = np.concatenate([-kernel, kernel], axis=1) / 2, np.array([-bias[0], bias[0]]) / 2
    return words, np.concatenate([kernel, bias[np.newaxis]]).astype(np.float32)


def logistic_vectors(
    looks: NDArray, grid: NDArray, palette: NDArray, items: pd.DataFrame, train: NDArray[np.integer], seed: int,
    colour_weight: float = COLOUR_WEIGHT,
) -> tuple[Float, Float]:  # fmt: skip
    """Query and gallery vectors whose products are expected agreement by two logistic regressions.

    Parameters
    ----------
    looks : ndarray of float32, shape (n, l)
        Whitened components of the features, from `AttributesNetwork.looks`.
    grid : ndarray of float, shape (n, 32, 32, 7)
        Colour grids.
    palette : ndarray of float32, shape (c, 3)
        The network's palette: the colour is read from what the network reads it from, beside the looks.
    items : DataFrame
        With `category` and `colour`.
    train : ndarray of int
        Rows to fit.
    seed : int
        Of the items drawn, where there are more than `MOST_ITEMS`.
    colour_weight : float

    Returns
    -------
    queries, gallery : ndarray of float32, shape (n, d)
    """
    seen = palette_features(grid, palette).astype(np.float32)
    mean, spread = seen[train].mean(axis=0), seen[train].std(axis=0) + 1e-3
    seen -= mean
    seen /= spread
    rows = train[some_rows(len(train), MOST_ITEMS, seed)]
    queries, gallery = [], []
    for column, inputs, weight in (
        ("category", looks, 1 - colour_weight),
        ("colour", np.concatenate([looks, seen], axis=1), colour_weight),
    ):
        words = items[column].astype(str).to_numpy()
        if len(set(words[rows])) < 2:
            predicted = np.ones((len(items), 1))
        else:
            predicted = fitted(inputs[rows], words[rows]).predict_proba(inputs)
        gallery.append(filled(predicted))
        queries.append(np.concatenate([weight * predicted, np.zeros((len(items), 1))], axis=1))
    return np.concatenate(queries, axis=1).astype(np.float32), np.concatenate(gallery, axis=1)
