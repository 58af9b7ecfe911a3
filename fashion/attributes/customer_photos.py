"""The category of customers' photos: a logistic regression that is taught with simulated ones, beside the network.

A catalogue's garments lie on white, a customer's on beds and hangers. The network is left as it is; a photo from
outside the catalogue gets the mean of both predictions, over the crops in which it is seen.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fashion.attributes.baseline import logistic_weights
from fashion.attributes.network import AttributesNetwork, join_features
from fashion.catalogue.source import Source
from fashion.core.bounds import MOST_READ
from fashion.core.progress import progress_bar
from fashion.embedding.backbones import Encoder
from fashion.embedding.extraction import ahead, embed_views, networks_folder
from fashion.embedding.given_vectors import GivenVectors
from fashion.embedding.runtimes import choose_runtime
from fashion.neighbours.resemblance import resemblance
from fashion.photos.customer_photos import simulate
from fashion.photos.framing import Framing
from fashion.photos.images import RGB
from fashion.photos.measures import decode_photo

Float = NDArray[np.float32]
Rows = NDArray[np.intp]

#: Simulated photos of each training photo, and of all at most. There are never more than items, so that simulating
#: takes no longer than the embedding did.
EACH, MOST = 2, 5_000

#: Held-out items at most on which the gain is judged.
JUDGED = 500

#: Share of simulated photos that fall below the threshold of resemblance, although they show a garment.
UNLIKE = 0.03


def rows_to_simulate(train: Rows, items: int, seed: int) -> Rows:
    """Training rows of which photos are simulated, in random order, each at most `EACH` times; shape (m,).

    Examples
    --------
    >>> len(rows_to_simulate(np.arange(70), 100, 0)), len(rows_to_simulate(np.arange(10), 100, 0))
    (100, 20)
    """
    shuffled = np.random.default_rng(seed).permutation(train)
    return np.resize(shuffled, min(EACH * len(train), items, MOST)) if len(train) else shuffled


def rows_to_judge(test: Rows, seed: int) -> Rows:
    """At most `JUDGED` of the held-out rows, in random order."""
    return np.random.default_rng([seed, 1]).permutation(test)[:JUDGED]


def rows_that_can_be_simulated(
    backbone: Encoder, train: Rows, test: Rows, items: int, seed: int
) -> tuple[Rows, Rows]:  # fmt: skip
    """`rows_to_simulate` and `rows_to_judge`; none where vectors were given, as no photo can be embedded then."""
    if isinstance(backbone, GivenVectors):
        return train[:0], test[:0]
    return rows_to_simulate(train, items, seed), rows_to_judge(test, seed)


def simulated_photos(
    source: Source, photos: Sequence[str], framing: Framing | int, seed: int, first: int = 0
) -> Iterator[RGB]:
    """`simulate` of each photo, by its number from `first` on, as a network takes it: uint8, shape (edge, edge, 3).

    An int as `framing` stretches photos to that many pixels.

    Raises
    ------
    PhotoError
        When a photo can no longer be read.
    """

    frame = Framing(framing) if isinstance(framing, int) else framing

    def view(numbered: tuple[int, str]) -> RGB:
        number, name = numbered
        photo = decode_photo(source.read(name, MOST_READ), name)
        return frame(simulate(photo, np.random.default_rng([seed, number])))

    return ahead(view, enumerate(photos, first), workers=2)


def simulated_features(
    source: Source, photos: Sequence[str], root: Path, backbone: Encoder, seed: int, *, runtime: str = "auto",
    progress: bool = True,
) -> Float:  # fmt: skip
    """The network's "features" of one simulated photo for each name, shape (m, f).

    Parameters
    ----------
    source, photos, root, backbone, runtime, progress
        As for `extraction.read_photos`; here nothing is kept.
    seed : int
    """
    if isinstance(backbone, GivenVectors):
        return np.empty((0, backbone.dimension), np.float32)
    chosen = choose_runtime(backbone, runtime, networks_folder(root))
    with progress_bar(len(photos), "customers' photos simulated", show=progress) as bar:

        def counted() -> Iterator[RGB]:
            for view in simulated_photos(source, photos, backbone.framing, seed):
                yield view
                bar.update()

        blocks = embed_views(counted(), backbone, chosen)
    return join_features(blocks["multilayer"], blocks["embedding"])


def teach_customer_photos(
    network: AttributesNetwork, features: NDArray, items: pd.DataFrame, train: Rows, simulated: NDArray, rows: Rows
) -> AttributesNetwork:
    """The network with a logistic regression from looks to the category, fitted to plain and simulated photos.

    Parameters
    ----------
    network : AttributesNetwork
        With its looks.
    features : ndarray of float32, shape (n, f)
        Of the catalogue's photos.
    items : DataFrame
        With `category`.
    train : ndarray of int
        Rows whose own photos are taken; of more than `MOST`, the first of `rows`.
    simulated : ndarray of float32, shape (m, f)
        From `simulated_features`.
    rows : ndarray of int, shape (m,)
        Row of `items` that each shows.
    """
    if not len(rows):
        return network
    own = train if len(train) <= MOST else np.unique(rows)
    words = items["category"].astype(str).to_numpy()
    known, weights = logistic_weights(
        np.concatenate([network.looks(features[own]), network.looks(simulated)]),
        np.concatenate([words[own], words[rows]]),
    )
    if len(known) < 2:
        return network
    everything = np.zeros((len(weights), len(network.categories)), np.float32)
    everything[-1] = -np.inf  # a word that no photo here shows
    everything[:, [network.categories.index(word) for word in known]] = weights
    return replace(network, customer=everything)


def accuracy_of_customer_photos(
    network: AttributesNetwork, features: NDArray, grid: NDArray, simulated: NDArray, items: pd.DataFrame, rows: Rows
) -> pd.DataFrame:
    """Category accuracy of the network alone, and averaged with the regression trained on simulated photos.

    Parameters
    ----------
    network : AttributesNetwork
        From `teach_customer_photos`.
    features, grid : ndarray, shapes (m, f) and (m, 32, 32, 7)
        Of the catalogue's photos of held-out items.
    simulated : ndarray of float32, shape (m, f)
        One simulated photo of each.
    items : DataFrame
    rows : ndarray of int, shape (m,)

    Returns
    -------
    DataFrame
        Rows "catalogue's photos" and "simulated customers' photos"; columns "network", "with simulated photos". None
        where nothing was simulated.
    """
    if not len(rows):
        return pd.DataFrame(columns=["network", "with simulated photos"])
    words = np.array(network.categories, object)
    truth = items["category"].to_numpy()[rows]
    shares = {}
    for name, inputs in (("catalogue's photos", features), ("simulated customers' photos", simulated)):
        alone = network.distributions(inputs, grid)["category"]
        both = network.mixed_category(inputs, alone)
        shares[name] = [float((words[p.argmax(axis=1)] == truth).mean()) for p in (alone, both)]
    return pd.DataFrame.from_dict(shares, orient="index", columns=["network", "with simulated photos"])


def summary_of(simulated: Rows, accuracy: pd.DataFrame, least: float) -> dict[str, Any]:
    """The simulated photos' entry in results/03.json.

    Parameters
    ----------
    simulated : ndarray of int
        Training rows of which photos were simulated.
    accuracy : DataFrame
        From `accuracy_of_customer_photos`.
    least : float
        From `least_resemblance`.
    """
    return {"simulated": len(simulated), "accuracy": accuracy.to_dict("index"), "least_resemblance": least}


def least_resemblance(simulated: NDArray, max_pooled: NDArray, groups: NDArray, rows: Rows) -> float:
    """The cosine to its nearest item below which a photo resembles nothing in the catalogue.

    All but `UNLIKE` of the simulated customers' photos have a larger one to an item that they were not made from, nor
    from a near-duplicate of it.

    Parameters
    ----------
    simulated : ndarray of float32, shape (m, f)
        Features of simulated photos.
    max_pooled : ndarray of float32, shape (n, d)
        The catalogue's vectors, as the last d features.
    groups : ndarray of int, shape (n,)
        Near-duplicates share a group.
    rows : ndarray of int, shape (m,)
        Item that each photo was made from.

    Returns
    -------
    float
        -1, below which there is nothing, where there are no simulated photos.
    """
    if not len(rows):
        return -1.0
    cosines = resemblance(simulated[:, -max_pooled.shape[1] :], max_pooled, own=groups[rows], groups=groups)
    return float(np.quantile(cosines, UNLIKE))
