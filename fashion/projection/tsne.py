"""t-SNE map of items by their exact cosine neighbours; new items can be placed on it."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Never

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fashion.core.bounds import SEEDS, check_whole, is_number
from fashion.core.errors import ArtefactError, SettingsError, did_you_mean, refuse_unknown
from fashion.neighbours.exact import Neighbours, cross_top_k, normalise, top_k

#: Called with (steps done, steps in all, Kullback-Leibler divergence).
Progress = Callable[[int, int, float], None]

#: (steps, exaggeration) of the phases: first with 12 times the attraction, so that groups form.
PHASES = ((250, 12), (500, 1))

#: Names of the ways to start.
STARTS = ("pca", "random")

#: Default perplexity: below `MANY` items, and from there on.
PERPLEXITY, PERPLEXITY_OF_MANY, MANY = 30, 15, 10_000

#: Number of items from which the optimisation uses two threads: one places 600 items in 1.3 s, and on shared cores two
#: spend longer waiting for each other.
TWO_THREADS = 1_000


@dataclass(frozen=True)
class Map:
    """Positions of items on a plane, with what placing new ones needs; can be rebuilt from stored arrays.

    Attributes
    ----------
    xy : ndarray of float32, shape (n, 2)
        Positions; the middle of their bounding box is (0, 0). Distances have no unit.
    unit : ndarray of float32, shape (n, d)
        The items' vectors at length 1.
    divergence : float
        Final Kullback-Leibler divergence; 6 digits, as threads sum it in any order.
    perplexity : float
        As used: lowered where there are few items.
    """

    xy: NDArray[np.float32]
    unit: NDArray[np.float32]
    divergence: float
    perplexity: float


def tsne_map(
    vectors: ArrayLike,
    seed: int,
    *,
    perplexity: float | None = None,
    initialisation: Literal["pca", "random"] = "pca",
    threads: int | None = None,
    progress: Progress | None = None,
) -> Map:
    """Place items on a plane by t-SNE, so that cosine neighbours stay neighbours.

    The neighbours are exact ones of the whole vectors, 3 x perplexity for each item, at distance 1 - cos: on
    three seeded samples of 3,000 items this kept 0.6 to 0.8 points more of the ten nearest than the chord
    sqrt(2 - 2 cos) did. Learning rate n / exaggeration (Belkina et al., Nature Communications 10:5415, 2019).

    The same seed gives the same bytes, with any number of threads: neighbours and start are rounded where
    threads could change their last bits, and each item's gradient is summed by one thread. The gradient is
    openTSNE's choice: the Barnes-Hut tree below 10,000 items, interpolation (Linderman et al., Nature Methods
    16:243-245, 2019) from there on.

    Parameters
    ----------
    vectors : array, shape (n, d)
        n at least 4, d at least 2; lengths do not matter.
    seed : int
        Of the start: its jitter (1% of its spread), or all of it.
    perplexity : float, optional
        Effective number of neighbours; more than 0, usually 5-50. At most (n - 1) / 3 is used. If not given, 30 below
        10,000 items and 15 from there on: of 59,524 items 15 kept 0.314 of the ten nearest where 30 kept 0.301, in less
        time; of 7,500 items 0.404 where 30 kept 0.407 (`docs/decisions.md`).
    initialisation : "pca" or "random"
        Start from the first two principal components, which keeps large distances' order (Kobak & Berens,
        Nature Communications 10:5416, 2019), or from a Gaussian.
    threads : int, optional
        Threads of the optimisation. If not given, two from 1,000 items on, one below.
    progress : callable, optional
        Called every 50 steps with (steps done, steps in all, divergence).

    Returns
    -------
    Map

    Raises
    ------
    ArtefactError
        When the vectors are no finite numbers, or too few.
    SettingsError
        When seed, perplexity or initialisation is none of those above.

    Notes
    -----
    van der Maaten & Hinton, Journal of Machine Learning Research 9:2579-2605, 2008; implementation openTSNE:
    Policar et al., Journal of Statistical Software 109(3), 2024.
    """
    _check(seed, perplexity, initialisation)
    unit = normalise(vectors)
    if perplexity is None:
        perplexity = PERPLEXITY if len(unit) < MANY else PERPLEXITY_OF_MANY
    if len(unit) < 4 or unit.shape[1] < 2:
        advice = "Take more items" if len(unit) < 4 else "Take vectors of more dimensions"
        raise ArtefactError(f"expected at least 4 items of 2 dimensions for a map; found shape {unit.shape}. {advice}.")
    tsne, threads = _opentsne(), threads or _threads(len(unit))
    perplexity = min(float(perplexity), (len(unit) - 1) / 3)
    k = min(len(unit) - 1, max(1, round(3 * perplexity)))
    affinities = _affinities(top_k(unit, k, assume_unit=True), perplexity, len(unit), threads, placing=False)
    embedding = tsne.TSNEEmbedding(_start(unit, seed, initialisation), _fixed(affinities), n_jobs=threads)
    done, total = 0, sum(steps for steps, _ in PHASES)
    for steps, exaggeration in PHASES:
        options: dict[str, Any] = {"exaggeration": exaggeration, "momentum": 0.8, "learning_rate": "auto"}
        if progress is not None:
            options["callbacks"] = _callback(progress, done, total)
        embedding.optimize(steps, inplace=True, **options)
        done += steps
    xy = np.asarray(embedding)
    xy = xy - (xy.max(axis=0) + xy.min(axis=0)) / 2  # placing new items would shift it there
    return Map(xy.astype(np.float32), unit, round(float(embedding.kl_divergence), 6), perplexity)


def _check(seed: int, perplexity: float | None, initialisation: str) -> None:
    """Raise SettingsError for an argument of `tsne_map` that is out of its bounds."""
    check_whole("seed", seed, SEEDS, advice="Give another seed.")
    if perplexity is not None and not (is_number(perplexity) and perplexity > 0):
        raise SettingsError(
            f"expected perplexity as a number above 0; found {perplexity!r}. Give one, usually 5-50, or leave it out."
        )
    if initialisation not in STARTS:
        raise SettingsError(
            f"expected initialisation as one of {', '.join(STARTS)}; found {initialisation!r}."
            f"{did_you_mean(initialisation, STARTS) or ' Name one of them.'}"
        )


def place_new(
    chart: Map, vectors: ArrayLike, *, perplexity: float = 5, threads: int | None = None
) -> NDArray[np.float32]:
    """Place new items on a map without moving it.

    Each starts at the median position of its 15 (3 x perplexity) nearest items, then follows t-SNE's gradient
    against the map, ignoring other new items, for 250 steps (Policar et al., Machine Learning 112:721-740,
    2023).

    Parameters
    ----------
    chart : Map
        From `tsne_map`, or rebuilt from stored arrays.
    vectors : array, shape (m, d)
        New items, embedded as the map's were.
    perplexity : float
        Effective number of neighbours on the map; more than 0.
    threads : int, optional
        Threads of the optimisation. If not given, two from 1,000 new items on, one below.

    Returns
    -------
    ndarray of float32, shape (m, 2)

    Raises
    ------
    ArtefactError
        When the vectors are not finite.
    ValueError
        When they have not the map's dimensions, or the map's arrays do not fit each other.
    """
    if chart.xy.shape != (len(chart.unit), 2):
        raise ValueError(f"expected positions of shape ({len(chart.unit)}, 2) in the map; found {chart.xy.shape}")
    unit = normalise(vectors)
    perplexity = min(float(perplexity), len(chart.unit) / 3)
    k = min(len(chart.unit), max(1, round(3 * perplexity)))
    neighbours = cross_top_k(unit, chart.unit, k, assume_unit=True)
    if len(unit) == 0:
        return np.empty((0, 2), np.float32)
    from scipy.sparse import csr_matrix

    tsne, threads = _opentsne(), threads or _threads(len(unit))
    map_side = tsne.TSNEEmbedding(
        chart.xy, _fixed(csr_matrix((len(chart.xy), len(chart.xy)))), negative_gradient_method="fft"
    )
    placed = tsne.PartialTSNEEmbedding(
        np.median(chart.xy[neighbours[0]].astype(np.float64), axis=1),
        map_side,
        _affinities(neighbours, perplexity, len(chart.xy), threads, placing=True),
        negative_gradient_method="fft",
        n_jobs=threads,
    )
    # openTSNE's own settings for placing: small steps, clipped gradients
    placed.optimize(250, inplace=True, exaggeration=1.5, momentum=0.8, learning_rate=0.1, max_grad_norm=0.25)
    return np.asarray(placed, np.float32)


def _threads(items: int) -> int:
    return 2 if items >= TWO_THREADS else 1


def _opentsne() -> Any:
    # Its threads spin while they wait, a waste on shared cores. Its OpenMP library reads this when it is loaded: too
    # late if scikit-learn has already loaded the same library.
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")
    from openTSNE import tsne

    return tsne


def _affinities(neighbours: Neighbours, perplexity: float, n: int, threads: int, *, placing: bool) -> Any:
    """t-SNE's probabilities from cosine neighbours (q, k): sparse, shape (q, n)."""
    from openTSNE.affinity import joint_probabilities_nn

    indices, similarity = neighbours
    distances = np.maximum(1 - similarity.astype(np.float64), 0)
    return joint_probabilities_nn(
        indices,
        distances,
        [perplexity],
        symmetrize=not placing,
        normalization="point-wise" if placing else "pair-wise",
        n_reference_samples=n,
        n_jobs=threads,
    )


def _fixed(affinities: Any) -> Any:
    """Wrap a sparse matrix as openTSNE's affinities."""
    from openTSNE.affinity import PrecomputedAffinities

    return PrecomputedAffinities(affinities, normalize=False)


def _start(unit: NDArray[np.float32], seed: int, initialisation: str) -> NDArray[np.float64]:
    """Starting positions, shape (n, 2), with t-SNE's spread of 1e-4."""
    noise = np.random.default_rng(seed).normal(size=(len(unit), 2))
    if initialisation == "random":
        return 1e-4 * noise
    mean = unit.mean(axis=0, dtype=np.float64)
    blocks = [slice(start, start + 4096) for start in range(0, len(unit), 4096)]  # no float64 copy of the whole
    axes = _principal_axes(unit, mean, blocks)
    axes = axes * np.sign(axes[np.abs(axes).argmax(axis=0), [0, 1]])  # an axis has no sign
    positions = np.concatenate([(unit[block] - mean) @ axes for block in blocks])
    positions *= 1e-4 / (positions[:, 0].std() or 1)
    # Rounded, as the last bits of the matrix products depend on threads, and t-SNE amplifies them.
    return np.round(positions, 11) + 1e-6 * noise


def _principal_axes(unit: NDArray[np.float32], mean: NDArray, blocks: Sequence[slice]) -> NDArray[np.float64]:
    """The two directions in which the vectors differ most, shape (d, 2)."""
    from scipy.linalg import eigh, svd

    dimensions = unit.shape[1]
    if len(unit) < dimensions:  # the scatter matrix would be the larger of the two
        return np.asarray(svd(unit - mean, full_matrices=False)[2][:2].T)
    scatter = np.zeros((dimensions, dimensions))
    for block in blocks:
        rows = unit[block] - mean
        scatter += rows.T @ rows
    return np.asarray(eigh(scatter, subset_by_index=[dimensions - 2, dimensions - 1])[1][:, ::-1])


def _callback(progress: Progress, before: int, total: int) -> Callable[[int, float, Any], None]:
    def report(step: int, divergence: float, _: Any) -> None:
        progress(before + step, total, divergence)

    return report


def tsne(
    vectors: ArrayLike,
    *,
    seed: int = 0,
    perplexity: float | None = None,
    initialisation: Literal["pca", "random"] = "pca",
    **other: Never,
) -> NDArray[np.float32]:
    """Positions on a plane by t-SNE, on which cosine neighbours stay neighbours: `tsne_map` in one call.

    Parameters
    ----------
    vectors : array, shape (n, d)
        Lengths do not matter. Up to three items are placed by their exact distances.
    seed, perplexity, initialisation
        As in `tsne_map`; the same seed gives the same bytes.

    Returns
    -------
    ndarray of float32, shape (n, 2)

    Raises
    ------
    ArtefactError, SettingsError
        As `tsne_map`.

    Examples
    --------
    >>> two_groups = np.repeat(np.eye(2), 10, axis=0) + np.linspace(0, 0.1, 40).reshape(20, 2)
    >>> xy = tsne(two_groups)
    >>> xy.shape
    (20, 2)
    >>> bool(np.array_equal(xy, tsne(two_groups)))
    True
    """
    refuse_unknown(other, tsne.__annotations__)
    _check(seed, perplexity, initialisation)
    unit = normalise(vectors)
    if len(unit) > 3:
        return tsne_map(vectors, seed, perplexity=perplexity, initialisation=initialisation).xy
    xy = np.zeros((len(unit), 2), np.float32)
    if len(unit) > 1:
        sides, lengths, _ = np.linalg.svd(unit - unit.mean(axis=0), full_matrices=False)
        own = (sides * lengths)[:, :2]
        xy[:, : own.shape[1]] = own - (own.max(axis=0) + own.min(axis=0)) / 2
    return xy


def map_trustworthiness(vectors: ArrayLike, xy: ArrayLike, k: int = 10, *, seed: int = 0, limit: int = 5000) -> float:
    """Trustworthiness: are neighbours on the map neighbours by their vectors? 1 if all are, about 0.5 by chance.

    1 - 2 / (n k (2n - 3k - 1)) x the sum of (cosine rank - k) over the map neighbours, k of each item, that
    are none of its k nearest by cosine (Venna & Kaski, ICANN 2001).

    Parameters
    ----------
    vectors : array, shape (n, d)
    xy : array, shape (n, 2)
    k : int
        Neighbours; less than half of the items.
    seed, limit : int
        Memory and time grow with the square: above `limit` items a random sample of that size is measured
        (5,000 items take 0.8 GB), whose neighbourhoods are wider than the whole map's.

    Returns
    -------
    float
        0-1.
    """
    from sklearn.manifold import trustworthiness

    near, positions = np.asarray(vectors), np.asarray(xy)
    rows = _drawn(len(positions), limit, seed)
    return float(trustworthiness(near[rows], positions[rows], n_neighbors=k, metric="cosine"))


def neighbour_recall(vectors: ArrayLike, xy: ArrayLike, k: int = 10, *, seed: int = 0, limit: int = 10_000) -> float:
    """Share of each item's k nearest by cosine that are among its k nearest on the map, on average.

    Parameters
    ----------
    vectors : array, shape (n, d)
    xy : array, shape (n, 2)
    k : int
        1 to n - 1.
    seed, limit : int
        Above `limit` items, a random sample of that size is averaged over; any item may be a neighbour.

    Returns
    -------
    float
        0-1; by chance k / (n - 1).

    Raises
    ------
    ArtefactError, ValueError
        As `fashion.neighbours.exact.top_k`; ValueError also where the numbers of rows differ.
    """
    from scipy.spatial import cKDTree

    positions = np.asarray(xy, np.float64)
    count = len(np.asarray(vectors))
    if positions.shape != (count, 2):
        raise ValueError(f"expected xy of shape ({count}, 2); found {positions.shape}")
    rows = _drawn(count, limit, seed)
    expected, _ = top_k(vectors, k, queries=rows)
    _, nearest = cKDTree(positions).query(positions[rows], k + 1)
    others = nearest != rows[:, np.newaxis]
    others[others.all(axis=1), -1] = False  # an item with k copies may not be among its own nearest
    shown = nearest[others].reshape(len(nearest), k)
    return float((expected[:, :, np.newaxis] == shown[:, np.newaxis, :]).any(axis=2).mean())


def _drawn(count: int, limit: int, seed: int) -> NDArray[np.int64]:
    """All of `count` rows, or a random `limit` of them; sorted."""
    rows = np.arange(count)
    return rows if count <= limit else np.sort(np.random.default_rng(seed).choice(rows, limit, replace=False))
