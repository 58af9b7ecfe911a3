"""Quality against cost: several frozen networks on one catalogue's validation items."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fashion.catalogue.source import Source
from fashion.core.errors import ArtefactError
from fashion.embedding.backbones import Encoder, load_backbone
from fashion.embedding.encoder_files import several
from fashion.embedding.extraction import BATCH, blocks_of_items, networks_folder, read_photos
from fashion.embedding.given_vectors import GivenVectors
from fashion.embedding.runtimes import Runtime, choose_runtime
from fashion.evaluation.relevance import BOTH, precision_at_k
from fashion.evaluation.splits import split
from fashion.evaluation.statistics import bootstrap_interval
from fashion.neighbours.duplicates import Rule, duplicate_groups, near_duplicate_pairs
from fashion.neighbours.exact import cross_top_k, normalise, top_k

#: Photos of a round of the speed trial, and rounds, of which the median counts.
PHOTOS, ROUNDS = 4 * BATCH, 3

#: Labels by which neighbours are judged.
LABELS = ("category", "colour", BOTH)


@dataclass(frozen=True)
class Costs:
    """Several networks compared; empty where there is one.

    Attributes
    ----------
    table : DataFrame
        A row for each network and label: `network`, `checksum`, `size` (pixels), `dimensions`, `column` (category,
        colour, both), `mean`, `low`, `high` (95% bootstrap interval over queries), `gain`, `gain_low`, `gain_high` (on
        the first network, by the same queries).
    speeds : dict of str to float
        Network -> photos a second from decoded photo to vector, of those that can be run (`photos_per_second`).
    """

    table: pd.DataFrame = field(default_factory=pd.DataFrame)
    speeds: Mapping[str, float] = field(default_factory=dict)

    @property
    def timing(self) -> list[dict[str, Any]]:
        """The numbers for the results: a row for each network."""
        return [{"network": name, "photos_per_second": speed} for name, speed in self.speeds.items()]


def beside(names: str, first: Encoder) -> list[Encoder]:
    """The report's network, and the further ones that are named between commas, each at its own input resolution."""
    return [first, *(load_backbone(name) for name in several(names))]


def training_and_validation(
    items: pd.DataFrame, vectors: NDArray[np.floating], candidates: pd.DataFrame, rule: Rule, seed: int
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Rows to search among and rows of the queries: the split of notebook 03, whose test items are left out.

    A catalogue too small for validation items has all of its items in both.
    """
    groups = duplicate_groups(len(items), near_duplicate_pairs(vectors, candidates, rule))
    try:
        split_of = split(items, groups, seed)
    except ArtefactError:
        split_of = np.full(len(items), "")
    rows = np.flatnonzero(split_of == "train"), np.flatnonzero(split_of == "validation")
    return rows if len(rows[1]) else (np.arange(len(items)), np.arange(len(items)))


def network_costs(
    networks: Sequence[Encoder], source: Source, items: pd.DataFrame, photos: pd.DataFrame, root: Path,
    rows: tuple[NDArray[np.intp], NDArray[np.intp]], k: int, seed: int, runtime: str = "auto",
) -> Costs:  # fmt: skip
    """Precision@k of each network's nearest training items to validation items, and its speed.

    Vectors that are kept are not embedded again.

    Parameters
    ----------
    networks : sequence of Backbone, FileEncoder or GivenVectors
        The first is what the others are compared with.
    source : Source
    items, photos : DataFrame
        Of the catalogue, as in notebook 02.
    root : Path
        Folder of the stores.
    rows : (ndarray of int, ndarray of int)
        From `training_and_validation`.
    k : int
        Neighbours of each query.
    seed : int
        Of the bootstrap.
    runtime : str
        As in `runtimes.choose_runtime`; of networks that it does not compute, "auto".
    """
    gallery, queries = rows
    own = len(gallery) == len(items)
    values: dict[str, pd.DataFrame] = {}
    about: dict[str, dict[str, Any]] = {}
    for network in networks:
        label = label_of(network, about)
        seen = read_photos(source, photos["photo"].tolist(), root, network, runtime="auto" if about else runtime)
        vectors = normalise(blocks_of_items(seen.vectors.store, network, items, photos)["embedding"])
        if own:  # the queries lie in the gallery
            nearest, _ = top_k(vectors, min(k, len(items) - 1), queries=queries, assume_unit=True)
        else:
            nearest, _ = cross_top_k(vectors[queries], vectors[gallery], min(k, len(gallery)), assume_unit=True)
        values[label] = precision_at_k(items, gallery[nearest], queries, ["category", "colour"])
        sums = {"checksum": network.weights_checksum[:12], "size": network.size, "dimensions": network.dimension}
        about[label] = {"network": label, **sums}
    first = next(iter(values.values()))
    lines = []
    for label, agreed in values.items():
        for column in LABELS:
            mean, low, high = bootstrap_interval(agreed[column].to_numpy(), seed)
            gain = bootstrap_interval((agreed[column] - first[column]).to_numpy(), seed)
            told = {"mean": mean, "low": low, "high": high}
            told |= dict(zip(("gain", "gain_low", "gain_high"), gain, strict=True))
            lines.append(about[label] | {"column": column} | told)
    return Costs(pd.DataFrame(lines), photos_per_second(dict(zip(about, networks, strict=True)), root, runtime))


def label_of(network: Encoder, taken: Mapping[str, object] = {}) -> str:
    """A network's name and input resolution, with a number where that is taken."""
    name = f"{network.name}, {network.size} px" if network.size else network.name
    return name if name not in taken else f"{name} ({len(taken) + 1})"


def photos_per_second(networks: Mapping[str, Encoder], root: Path, runtime: str = "auto") -> dict[str, float]:
    """Photos a second of each network that can be run, measured in turn on random photos: the median of `ROUNDS`.

    Reading and decoding are left out: all networks share them.
    """
    runtimes: dict[str, Runtime] = {}
    for label, network in networks.items():
        if not isinstance(network, GivenVectors):
            chosen = runtime if not runtimes else "auto"
            runtimes[label] = choose_runtime(network, chosen, networks_folder(root))
    seconds: dict[str, list[float]] = {label: [] for label in runtimes}
    random = np.random.default_rng(0)
    for turn in range(ROUNDS + 1):  # the first one warms up
        for label, one in runtimes.items():
            edge = networks[label].framing.edge
            batches = random.integers(0, 256, (PHOTOS // BATCH, BATCH, edge, edge, 3), np.uint8)
            begin = time.perf_counter()
            for _ in one.stream(iter(batches)):
                pass
            if turn:
                seconds[label].append(time.perf_counter() - begin)
    return {label: PHOTOS / float(np.median(times)) for label, times in seconds.items()}
