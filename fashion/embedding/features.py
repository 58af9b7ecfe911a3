"""Statistics of the frozen vectors' features, and the choice of features by Precision@k of the nearest neighbours."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fashion.core.numerals import decimal
from fashion.evaluation.relevance import BOTH, precision_at_k
from fashion.evaluation.statistics import bootstrap_interval
from fashion.neighbours.duplicates import relative_cosines
from fashion.neighbours.exact import normalise, top_k

if TYPE_CHECKING:
    from sklearn.decomposition import PCA

    from fashion.embedding.backbones import Encoder


Vectors = NDArray[np.float32]

#: Most items for statistics of single features; more change the third digit only.
SAMPLE = 6_000

#: Most queries and gallery items of the trials.
QUERIES, GALLERY = 1_500, 12_000


def some_rows(n: int, most: int, seed: int) -> NDArray[np.intp]:
    """At most `most` of n rows, drawn without repeats, sorted, shape (min(n, most),).

    Examples
    --------
    >>> some_rows(3, 5, seed=0)
    array([0, 1, 2])
    """
    return np.sort(np.random.default_rng(seed).permutation(n)[:most])


# ---- Statistics ----


def sample_pairs(
    items: pd.DataFrame, vectors: Vectors, seed: int, count: int = 20_000
) -> dict[str, NDArray[np.floating]]:
    """Cosines of random pairs of items: any two, two of one category, two of one category and colour.

    Returns
    -------
    dict of str to ndarray of float, shape (<= count,)
        Each pair once, none of an item with itself; a kind without pairs is left out.
    """
    random = np.random.default_rng(seed)
    unit = normalise(vectors)
    n = len(items)
    both = items["category"] + "\n" + items["colour"]
    pairs = {}
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
            pairs[name] = np.einsum("ij,ij->i", unit[first[keep]], unit[second[keep]]).astype(float)
    return pairs


def near_duplicate_cosines(network: Encoder, pairs: Mapping[str, NDArray[np.floating]]) -> dict[str, Any]:
    """Cosine limits of near-duplicates for an encoder from disk, or given vectors, as backbone.json has them.

    Empty for the ImageNet networks, on whose vectors `duplicates.Rule` was set.

    Parameters
    ----------
    network : Backbone, FileEncoder or GivenVectors
    pairs : mapping of str to ndarray
        From `sample_pairs`.
    """
    if network.layer_names:
        return {}
    return {"near_duplicates": relative_cosines(float(np.median(pairs["random"])))}


def separation(high: NDArray[np.floating], low: NDArray[np.floating]) -> float:
    """Area under the ROC curve: the probability that a value of `high` exceeds one of `low`, by ranks (Mann-Whitney).

    Examples
    --------
    >>> separation(np.array([2.0, 3.0]), np.array([1.0, 2.5]))
    0.75
    """
    from scipy.stats import rankdata  # here: a query needs this module's constants, and no statistics

    ranks = rankdata(np.concatenate([high, low]))
    n, m = len(high), len(low)
    return float((ranks[:n].sum() - n * (n + 1) / 2) / (n * m))


@dataclass(frozen=True)
class PairSimilarity:
    """Similarity of pairs of items, by what they have in common.

    Attributes
    ----------
    medians : dict of str to float
        Kind of pair -> median cosine.
    separation : float
        Probability that a pair of one category is more similar than a random pair; NaN where no two items share one.
    """

    medians: dict[str, float]
    separation: float

    @classmethod
    def of(cls, pairs: Mapping[str, NDArray[np.floating]]) -> PairSimilarity:
        """The similarity of the pairs from `sample_pairs`."""
        medians = {name: float(np.median(values)) for name, values in pairs.items()}
        same = pairs.get("same category")
        return cls(medians, float("nan") if same is None else separation(same, pairs["random"]))

    def as_dict(self) -> dict[str, Any]:
        """The numbers as a dictionary, for the results."""
        return {"cosine_medians": self.medians, "category_separation_auc": self.separation}


def mutual_information(features: Vectors, labels: NDArray[np.intp], bins: int = 10) -> NDArray[np.float64]:
    """Mutual information of each feature with a label in nats, shape (d,), features cut into `bins` quantile bins.

    I(X; Y) = sum p(x, y) log(p(x, y) / (p(x) p(y))), less its expected bias for independent variables,
    (|X| - 1)(|Y| - 1) / 2n (Miller 1955), and not below 0. Equal values, such as the many zeros of a
    rectified feature, share a bin.

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
    scores = np.empty(d)
    for feature in range(d):
        values = features[:, feature]
        edges = np.unique(np.quantile(values, np.linspace(0, 1, bins + 1)[1:-1]))
        binned = np.searchsorted(edges, values, side="right")
        joint = np.bincount(binned * classes + labels, minlength=(len(edges) + 1) * classes) / n
        joint = joint.reshape(-1, classes)
        expected = joint.sum(axis=1, keepdims=True) * label_share
        held = joint > 0
        information = float((joint[held] * np.log(joint[held] / expected[held])).sum())
        used = int((joint.sum(axis=1) > 0).sum())
        scores[feature] = max(information - (used - 1) * (classes - 1) / (2 * n), 0.0)
    return scores


def feature_statistics(vectors: Vectors, items: pd.DataFrame, seed: int) -> pd.DataFrame:
    """Variance, redundancy and information of each feature, on at most `SAMPLE` items.

    Returns
    -------
    DataFrame
        One row a feature: `variance`; `zeros` (share of items at exactly 0); `highest_correlation` (largest |Pearson|
        with another feature); `category`, `colour` (mutual information, nats).
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
    """Share of variance that each principal component explains, largest first, shape (c,)."""
    return np.asarray(pca(vectors, seed, vectors.shape[1]).explained_variance_ratio_, np.float64)


def components_for_variance(spectrum: NDArray[np.floating]) -> dict[str, int]:
    """The number of leading principal components that explain 50, 80 and 95% of the variance.

    Examples
    --------
    >>> components_for_variance(np.array([0.6, 0.3, 0.1]))
    {'50% of variance': 1, '80% of variance': 2, '95% of variance': 3}
    """
    explained = np.cumsum(spectrum)
    return {f"{share}% of variance": int(np.searchsorted(explained, share / 100) + 1) for share in (50, 80, 95)}


# ---- The choice of features ----


@dataclass(frozen=True)
class Selection:
    """A linear selection of features, the same for new photos as for the catalogue's.

    Attributes
    ----------
    name : str
        For tables and figures.
    block : str
        "embedding" or "multilayer": which of the backbone's outputs it starts from.
    columns : ndarray of int or None
        Features that are kept; all if None.
    mean : ndarray of float32, shape (d,), or None
        Subtracted first.
    components : ndarray of float32, shape (c, d), or None
        Principal components onto which the rest is projected.
    """

    name: str
    block: str
    columns: NDArray[np.intp] | None = None
    mean: Vectors | None = None
    components: Vectors | None = None

    def apply(self, blocks: dict[str, Vectors]) -> Vectors:
        """The selected features, float32, shape (n, c), of the blocks of `EmbeddingRun`."""
        chosen = blocks[self.block]
        if self.columns is not None:
            chosen = chosen[:, self.columns]
        if self.mean is not None:
            chosen = chosen - self.mean
        return chosen if self.components is None else chosen @ self.components.T

    def arrays(self) -> dict[str, NDArray]:
        """The selection as arrays without objects, for `from_arrays`."""
        arrays: dict[str, NDArray] = {"name": np.array(self.name), "block": np.array(self.block)}
        for key in ("columns", "mean", "components"):
            if getattr(self, key) is not None:
                arrays[key] = getattr(self, key)
        return arrays

    @classmethod
    def from_arrays(cls, arrays: dict[str, NDArray]) -> Selection:
        """The selection that `arrays` describes."""
        rest = dict(arrays)
        return cls(str(rest.pop("name")), str(rest.pop("block")), **rest)


def candidate_selections(
    embedding: Vectors, multilayer: Vectors, statistics: pd.DataFrame, seed: int
) -> Iterator[Selection]:
    """Selections to try: all features, the most informative ones, principal components, other poolings."""
    width, staged = embedding.shape[1], multilayer.shape[1] > 0  # an encoder from disk has no stages
    whole = "max-pooled channels (the original's)" if staged else "dimensions of the encoder's vector"
    telling = np.argsort(-(statistics["category"] + statistics["colour"]).to_numpy(), kind="stable")
    yield Selection(f"all {width:,} {whole}", "embedding")
    for part, word in ((2, "half"), (4, "quarter")):
        yield Selection(f"the most telling {word}", "embedding", columns=np.sort(telling[: width // part]))
    yield Selection("max-pooled, centred" if staged else "centred", "embedding", mean=embedding.mean(axis=0))
    fitted = pca(embedding, seed, 256)
    for count in (256, 64):
        components = fitted.components_[:count].astype(np.float32)
        name = f"{len(components)} principal components"
        yield Selection(name, "embedding", mean=fitted.mean_.astype(np.float32), components=components)
    if staged:
        yield Selection("mean- and max-pooled layers", "multilayer")


def selection_trials(
    embedding: Vectors, multilayer: Vectors, statistics: pd.DataFrame, items: pd.DataFrame, seed: int, k: int
) -> tuple[pd.DataFrame, dict[str, Selection]]:
    """Precision@k of the nearest neighbours, for each candidate selection.

    Parameters
    ----------
    embedding, multilayer : ndarray of float32, shapes (n, d) and (n, D)
        D is 0 for an encoder from disk, whose layers are not seen.
    statistics : DataFrame
        From `feature_statistics`.
    items : DataFrame
    seed : int
        Of the draw of at most `GALLERY` items, and `QUERIES` queries among them.
    k : int
        Neighbours of each query.

    Returns
    -------
    table : DataFrame
        `choice`, `features` (their number), `column` (category, colour, both), `mean`, `low`, `high` (95% bootstrap),
        `behind` (lower end of the paired 95% interval of the distance to the best choice of this column; 0 or less
        where the two do not differ significantly).
    selections : dict of str to Selection
        By name.
    """
    rows = some_rows(len(items), GALLERY, seed)
    queries = some_rows(len(rows), QUERIES, seed + 1)
    gallery = items.iloc[rows].reset_index(drop=True)
    blocks = {"embedding": np.asarray(embedding[rows]), "multilayer": np.asarray(multilayer[rows])}
    selections, counts = {}, {}
    shares: dict[str, dict[str, NDArray[np.float64]]] = {"category": {}, "colour": {}, BOTH: {}}
    for selection in candidate_selections(blocks["embedding"], blocks["multilayer"], statistics, seed):
        chosen = selection.apply(blocks)
        selections[selection.name] = selection
        nearest, _ = top_k(chosen, k, queries=queries)
        counts[selection.name] = chosen.shape[1]
        agreed = precision_at_k(gallery, nearest, queries, ["category", "colour"])
        for column in shares:
            shares[column][selection.name] = agreed[column].to_numpy()
    lines = []
    for column, by_choice in shares.items():
        best = max(by_choice.values(), key=lambda values: float(values.mean()))
        for name, values in by_choice.items():
            mean, low, high = bootstrap_interval(values, seed)
            behind = bootstrap_interval(best - values, seed)[1]
            lines.append({"choice": name, "features": counts[name], "column": column, "mean": mean, "low": low,
                          "high": high, "behind": behind})  # fmt: skip
    return pd.DataFrame(lines), selections


def choose(trials: pd.DataFrame) -> dict[str, object]:
    """The fewest features whose Precision@k in category and colour is not significantly below the best choice's.

    Returns
    -------
    dict
        `choice`, `features`, `both` (share), `why` (a sentence with the numbers).
    """
    both = trials[trials["column"] == BOTH]
    best = both.loc[both["mean"].idxmax()].to_dict()
    good = both[both["behind"] <= 0].sort_values(["features", "mean"], ascending=[True, False])
    chosen = good.iloc[0].to_dict()
    why = (
        f"Best in category and colour: {best['choice']} ({decimal(best['mean'])}, 95% interval {decimal(best['low'])} "
        f"to {decimal(best['high'])}). Smallest choice not significantly worse on the same queries: {chosen['choice']} "
        f"({chosen['features']:,} dimensions, {decimal(chosen['mean'])}). It is called “frozen” from here on."
    )
    return {
        "choice": chosen["choice"],
        "features": int(chosen["features"]),
        "both": float(chosen["mean"]),
        "why": why,
    }
