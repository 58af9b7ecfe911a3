"""How large must the attributes network be, and what do larger inputs add? Trials of layers, members and inputs.

    .venv/bin/python docs/trials/network_size.py --catalogue fashion-product-images --seeds 0,1,2
    .venv/bin/python docs/trials/network_size.py --features data/processed/runs/lite1/sample ...

reads what notebooks 01-03 of a report left, trains each variant with each seed, and prints a table in Markdown (it
stands in docs/decisions.md). The queries are validation items, photo alone against all items; test items are not
looked at. `--features` names further folders of artefacts, of the same items: each gives a variant of its
own features, and another that averages the networks so far.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fashion.attributes import training
from fashion.attributes.network import Architecture, AttributesNetwork, join_features
from fashion.core.workspace import Workspace
from fashion.evaluation.relevance import BOTH, precision_at_k
from fashion.neighbours.exact import top_k

#: Name -> widths of a member's layers: category; colour; context.
SHAPES = {
    "wide": ((1024, 512), (640, 320), 128),
    "half": ((512, 256), (320, 160), 64),
    "half; colour wide": ((512, 256), (640, 320), 128),
    "quarter": ((256, 128), (160, 80), 32),
}


def scores(
    network: AttributesNetwork, asked: NDArray, gallery: NDArray, items: pd.DataFrame, queries: NDArray
) -> dict[str, float]:
    """Precision@6 of the items `queries`, whose vectors are `asked`, without looks, against all items."""
    scaled = network.layout.queries(asked, network.layout.weights(looks_weight=0))
    rows = top_k(gallery, 6, queries, query_vectors=scaled)[0]
    means = precision_at_k(items, rows, queries, ["category", "colour"]).mean()
    return {column: float(means[column]) for column in ("category", "colour", BOTH)}


def print_means(lines: Sequence[Mapping[str, Any]]) -> None:
    """Print a Markdown table of each variant's means over the seeds."""
    means = pd.DataFrame(lines).drop(columns="seed").groupby("variant", sort=False).mean().round(3).reset_index()
    print("| " + " | ".join(means) + " |\n|" + "---|" * len(means.columns))
    for row in means.itertuples(index=False):
        print("| " + " | ".join(map(str, row)) + " |")


def trained(
    features: NDArray, grid: NDArray, items: pd.DataFrame, part: NDArray, seed: int, shape: str | None, members: int
) -> tuple[AttributesNetwork, float]:
    """A trained network of a size, and the processor seconds of its training."""
    package = training.Architecture
    if shape:
        hidden, colours, context = SHAPES[shape]
        training.Architecture = partial(Architecture, hidden=hidden, colour_hidden=colours, context=context)
    begin = time.process_time()
    try:
        network, _ = training.train_attributes(features, grid, items, part, seed, members=members, progress=False)
    finally:
        training.Architecture = package
    return network, time.process_time() - begin


def main() -> None:
    """Train every variant and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--catalogue", default="imagelab")
    parser.add_argument("--processed", type=Path)
    parser.add_argument("--features", type=Path, action="append", default=[])
    parser.add_argument("--seeds", default="0")
    parser.add_argument("--shapes", default=",".join(SHAPES))
    parser.add_argument("--members", type=int, default=training.MEMBERS)
    parser.add_argument("--queries", type=int, default=3_000)
    given = parser.parse_args()
    work = Workspace(given.catalogue, given.processed)
    items, part, grid = work.items(), work.table("split")["split"].to_numpy(), np.asarray(work.vectors("colour_grid"))
    queries = np.random.default_rng(0).permutation(np.flatnonzero(part == "validation"))[: given.queries]
    own = join_features(work.vectors("multilayer"), work.vectors("max_pooled"))
    tables = {"own": own} | {
        place.parent.name: join_features(*(np.load(place / f"{name}.npy") for name in ("multilayer", "max_pooled")))
        for place in given.features
    }
    lines = []

    def note(what: str, seed: int, seconds: float, network: AttributesNetwork, vectors: NDArray) -> None:
        found = scores(network, vectors[queries], vectors, items, queries)
        lines.append({"variant": what, "seed": seed, "seconds": seconds, "million": network.parameters / 1e6, **found})
        print(lines[-1], flush=True)

    for seed in (int(text) for text in given.seeds.split(",")):
        for shape in given.shapes.split(",") if not given.features else ():
            network, seconds = trained(own, grid, items, part, seed, shape, given.members)
            note(f"{shape}, {given.members} members", seed, seconds, network, network.embed(own, grid))
        averaged = []
        for name, features in tables.items() if given.features else ():
            network, seconds = trained(features, grid, items, part, seed, None, given.members)
            seen = network.distributions(features, grid)
            averaged.append(seen)
            note(name, seed, seconds, network, network.compose(features, seen))
            if len(averaged) > 1:
                mean = {column: sum(np.log(one[column]) for one in averaged) for column in seen}
                both = {column: np.exp(total / len(averaged)) for column, total in mean.items()}
                both = {column: value / value.sum(axis=1, keepdims=True) for column, value in both.items()}
                note(f"mean of {len(averaged)}", seed, seconds, network, network.compose(features, both))
    print_means(lines)


if __name__ == "__main__":
    main()
