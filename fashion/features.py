"""Which numbers of the frozen vectors carry information, and which pairs show the same picture."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fashion.neighbours import normalise

if TYPE_CHECKING:
    from sklearn.decomposition import PCA

Vectors = NDArray[np.float32]

#: Items on which statistics of single features rest; more change the third digit only.
SAMPLE = 6_000


def some_rows(n: int, most: int, seed: int) -> NDArray[np.intp]:
    """At most `most` of n rows, drawn without repeats, sorted."""
    return np.sort(np.random.default_rng(seed).permutation(n)[:most])


def sample_pairs(
    items: pd.DataFrame, vectors: Vectors, seed: int, count: int = 20_000
) -> dict[str, NDArray[np.floating]]:
    """Cosines of pairs drawn at random: any two, two of one category, two of one category and colour.

    Returns
    -------
    dict of str to ndarray of float, shape (<= count,)
        Each pair once; pairs of an item with itself are left out, and so is a kind of which there is no pair.
    """
    random = np.random.default_rng(seed)
    unit = normalise(vectors)
    n = len(items)
    both = items["category"] + "\n" + items["colour"]
    found = {}
    for name, group in (
        ("random", None),
        ("same category", items["category"]),
        ("same category and colour", both),
    ):
        first = random.integers(0, n, count)
        if group is None:
            second = random.integers(0, n, count)
        else:
            codes = pd.factorize(group)[0]
            order = np.argsort(codes, kind="stable")
            begin = np.searchsorted(codes[order], np.arange(codes.max() + 1))
            size = np.bincount(codes)
            second = order[begin[codes[first]] + random.integers(0, size[codes[first]])]
        # Each pair once: where a group is small the same two items would be drawn again and again.
        low, high = np.minimum(first, second), np.maximum(first, second)
        _, keep = np.unique(low * n + high, return_index=True)
        keep = keep[low[keep] != high[keep]]
        if len(keep):
            found[name] = np.einsum("ij,ij->i", unit[first[keep]], unit[second[keep]]).astype(float)
    return found


def separation(high: NDArray[np.floating], low: NDArray[np.floating]) -> float:
    """Probability that a value of `high` exceeds one of `low`: area under the ROC curve, by ranks (Mann-Whitney)."""
    from scipy.stats import rankdata  # here: a query needs this module's constants, and no statistics

    ranks = rankdata(np.concatenate([high, low]))
    n, m = len(high), len(low)
    return float((ranks[:n].sum() - n * (n + 1) / 2) / (n * m))


def mutual_information(features: Vectors, labels: NDArray[np.intp], bins: int = 10) -> NDArray[np.float64]:
    """Mutual information of each feature with a label, in nats, features cut into `bins` parts of equal size.

    I(X; Y) = sum p(x, y) log(p(x, y) / (p(x) p(y))), less its expected bias for independent variables,
    (|X| - 1)(|Y| - 1) / 2n (Miller 1955), and not below 0. Equal values, such as the many zeros of a
    rectified feature, share a part.

    Parameters
    ----------
    features : ndarray of float, shape (n, d)
    labels : ndarray of int, shape (n,)
        Codes from 0.
    bins : int

    Returns
    -------
    ndarray of float64, shape (d,)
    """
    n, d = features.shape
    classes = int(labels.max()) + 1
    label_share = np.bincount(labels, minlength=classes) / n
    found = np.empty(d)
    for feature in range(d):
        values = features[:, feature]
        edges = np.unique(np.quantile(values, np.linspace(0, 1, bins + 1)[1:-1]))
        parts = np.searchsorted(edges, values, side="right")
        joint = np.bincount(parts * classes + labels, minlength=(len(edges) + 1) * classes) / n
        joint = joint.reshape(-1, classes)
        expected = joint.sum(axis=1, keepdims=True) * label_share
        held = joint > 0
        information = float((joint[held] * np.log(joint[held] / expected[held])).sum())
        used = int((joint.sum(axis=1) > 0).sum())
        found[feature] = max(information - (used - 1) * (classes - 1) / (2 * n), 0.0)
    return found


def feature_statistics(vectors: Vectors, items: pd.DataFrame, seed: int) -> pd.DataFrame:
    """Variance, redundancy and information of each feature, on at most `SAMPLE` items.

    Returns
    -------
    DataFrame
        One row a feature: `variance`; `zeros` (share of items at exactly 0); `highest_correlation` (largest
        |Pearson| with another feature); `category`, `colour` (mutual information, nats).
    """
    rows = some_rows(len(items), SAMPLE, seed)
    sample = np.asarray(vectors[rows], np.float32)
    spread = sample.std(axis=0)
    standard = (sample - sample.mean(axis=0)) / np.where(spread > 0, spread, 1)
    correlation = np.abs(standard.T @ standard) / len(rows)
    np.fill_diagonal(correlation, 0)
    table = pd.DataFrame({
        "variance": sample.var(axis=0, dtype=np.float64),
        "zeros": (sample == 0).mean(axis=0),
        "highest_correlation": correlation.max(axis=1),
    })  # fmt: skip
    for column in ("category", "colour"):
        table[column] = mutual_information(sample, pd.factorize(items[column].iloc[rows])[0])
    return table


def pca(vectors: Vectors, seed: int, components: int) -> PCA:
    """Principal components of at most `SAMPLE` items (Halko et al. 2011, randomised, where that is faster)."""
    from sklearn.decomposition import PCA

    rows = some_rows(len(vectors), SAMPLE, seed)
    sample = np.asarray(vectors[rows], np.float32)
    return PCA(min(components, *sample.shape), random_state=seed).fit(sample)


def pca_spectrum(vectors: Vectors, seed: int) -> NDArray[np.float64]:
    """Share of variance that each principal component explains, largest first."""
    return np.asarray(pca(vectors, seed, vectors.shape[1]).explained_variance_ratio_, np.float64)
