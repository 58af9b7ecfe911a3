"""Calibration: predicted probabilities that are the shares of right predictions."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

#: Temperatures that are tried: a few validation items that all are right must not make the prediction certain.
LOWEST, HIGHEST = 0.5, 8.0

#: Bins of equal width of a reliability figure and of the expected calibration error.
BINS = 15


def temperature(predicted: NDArray, classes: NDArray[np.integer]) -> float:
    """The temperature by which logits are divided so that the likelihood of the true classes is largest.

    Temperature scaling (Guo et al. 2017, On Calibration of Modern Neural Networks). It changes no order of the words.

    Parameters
    ----------
    predicted : ndarray of float, shape (n, c)
        Distributions.
    classes : ndarray of int, shape (n,)
        True classes; -1 where there is none among the c.

    Returns
    -------
    float
        Above 1 where the prediction was too sure; 1 where no class is known.

    Examples
    --------
    >>> sure = np.array([[0.99, 0.01]] * 10)
    >>> round(temperature(sure, np.array([0] * 7 + [1] * 3)), 2)  # right in seven of ten
    5.42
    """
    from scipy.optimize import minimize_scalar

    known = np.flatnonzero(classes >= 0)
    if not len(known):
        return 1.0
    logits = np.log(np.maximum(np.asarray(predicted[known], np.float64), 1e-12))
    rows, own = np.arange(len(known)), classes[known]

    def loss(exponent: float) -> float:
        scaled = logits / np.exp(exponent)
        highest = scaled.max(axis=1, keepdims=True)
        total = np.log(np.exp(scaled - highest).sum(axis=1)) + highest[:, 0]
        return float((total - scaled[rows, own]).mean())

    return float(np.exp(minimize_scalar(loss, bounds=(np.log(LOWEST), np.log(HIGHEST)), method="bounded").x))


def reliability(probability: NDArray, right: NDArray, bins: int = BINS) -> pd.DataFrame:
    """Reliability curve: how often predictions of each probability are right.

    Parameters
    ----------
    probability : ndarray of float, shape (n,)
        Predicted, 0-1.
    right : ndarray, shape (n,)
        Whether, or to what share, the prediction came true.

    Returns
    -------
    DataFrame
        One row for each bin that is not empty: `predicted` and `observed` (means), `count`.
    """
    place = np.minimum((np.asarray(probability) * bins).astype(int), bins - 1)
    table = pd.DataFrame({"bin": place, "predicted": probability, "observed": np.asarray(right, np.float64)})
    grouped = table.groupby("bin")
    return grouped.mean().assign(count=grouped.size()).reset_index(drop=True)


def calibration_error(table: pd.DataFrame) -> float:
    """Expected calibration error (Naeini, Cooper and Hauskrecht 2015): mean distance of the bins, by their counts.

    Examples
    --------
    >>> calibration_error(reliability(np.array([0.9, 0.9, 0.1]), np.array([True, False, False])))
    0.3
    """
    distance = (table["predicted"] - table["observed"]).abs()
    return round(float((distance * table["count"]).sum() / table["count"].sum()), 9)
