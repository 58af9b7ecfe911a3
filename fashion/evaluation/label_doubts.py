"""Labels that out-of-fold predictions contradict, by relative odds and by confident learning.

*Odds.* Another class may be more probable than an item's label because the label is wrong, or because two labels mean
nearly the same: then it is so for many items of that label. So an item's odds for the other class are divided by the
odds of the mean item that has its label. That ranks planted errors best (docs/decisions.md).

*Confident learning.* Each class has a threshold, the mean probability that its own items get for it; an item is
confidently of a class if its probability reaches that class's threshold. Labels that differ from the confident class
are off the diagonal of the confident joint (Northcutt, Jiang and Chuang 2021, Confident Learning: Estimating
Uncertainty in Dataset Labels, section 3.1).
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

Labels = NDArray[np.integer]

#: Least probability, so that odds are finite.
LEAST = 1e-9


def usual_probability(given: Labels, probability: NDArray) -> NDArray[np.float64]:
    """Mean prediction of the items of each label, shape (c, c): of label i for class j; on the diagonal the thresholds.

    Parameters
    ----------
    given : ndarray of int, shape (n,)
    probability : ndarray of float, shape (n, c)
    """
    classes = probability.shape[1]
    total = np.stack([np.bincount(given, column, classes) for column in probability.T], axis=1)
    return np.asarray(total / np.maximum(np.bincount(given, minlength=classes), 1)[:, np.newaxis], np.float64)


def confident_classes(given: Labels, probability: NDArray) -> NDArray[np.int64]:
    """The class that each item confidently is; where several are possible, the most probable; -1 where none is.

    Parameters
    ----------
    given : ndarray of int, shape (n,)
        Labels.
    probability : ndarray of float, shape (n, c)
        Predicted without the item's own label.

    Examples
    --------
    >>> confident_classes(np.array([0, 0, 1, 1]), np.array([[0.9, 0.1], [0.2, 0.8], [0.1, 0.9], [0.4, 0.6]]))
    array([ 0,  1,  1, -1])
    """
    thresholds = usual_probability(given, probability).diagonal()
    likely = np.where(probability >= thresholds - LEAST, probability, -1)  # equal probabilities reach their mean
    return np.where(likely.max(axis=1) >= 0, likely.argmax(axis=1), -1)


def label_doubts(given: Labels, probability: NDArray) -> pd.DataFrame:
    """Items whose most probable class is not their label, the worst first.

    Parameters
    ----------
    given : ndarray of int, shape (n,)
        Labels.
    probability : ndarray of float, shape (n, c)
        Predicted without the item's own label.

    Returns
    -------
    DataFrame
        `row`; `suggested` (the most probable class); `other`, `own` (probability of that class and of the label);
        `odds` (other / own, in units of what is usual for the label); `confident` (off the diagonal of the confident
        joint).
    """
    rows = np.flatnonzero(probability.argmax(axis=1) != given)
    label, suggested = given[rows], probability[rows].argmax(axis=1)
    other, own = (np.maximum(probability[rows, of], LEAST) for of in (suggested, label))
    usual = np.maximum(usual_probability(given, probability), LEAST)
    confident = confident_classes(given, probability)[rows]
    table = pd.DataFrame({
        "row": rows, "suggested": suggested, "other": other, "own": own,
        "odds": (other / own) / (usual[label, suggested] / usual[label, label]),
        "confident": (confident >= 0) & (confident != label),
    })  # fmt: skip
    return table.sort_values("odds", ascending=False, kind="stable").reset_index(drop=True)
