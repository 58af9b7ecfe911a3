"""Does the attributes network gain from mirrored and cropped training photos, or from seeing each query mirrored too?

    .venv/bin/python docs/trials/training_photos.py --catalogue fashion-product-images --seeds 0,1

reads what notebooks 01-03 of a report left, embeds each training photo mirrored and each training photo cropped (a
random 70 to 100% of each side; its colours stay those of the whole photo), and prints a table in Markdown (it stands
in docs/decisions.md). The queries are validation items, photo alone against all items; test items are not looked at.
More photos mean more steps, so the plain photos are also trained on for twice the epochs.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pandas as pd
from network_size import print_means, scores
from numpy.typing import NDArray

from fashion.attributes.network import join_features
from fashion.attributes.training import EPOCHS, MEMBERS, train_attributes
from fashion.catalogue import Run
from fashion.catalogue.source import Source
from fashion.embedding.backbones import Encoder, reopen_backbone
from fashion.embedding.extraction import ahead, embed_views, networks_folder
from fashion.embedding.runtimes import choose_runtime
from fashion.photos.images import RGB
from fashion.photos.measures import open_photo

LEAST_SIDE = 0.7


def mirrored(rgb: RGB, random: np.random.Generator) -> RGB:
    """The photo as a mirror shows it."""
    return np.ascontiguousarray(rgb[:, ::-1])


def cropped(rgb: RGB, random: np.random.Generator) -> RGB:
    """A random part of the photo, at least `LEAST_SIDE` of either side."""
    height, width = (int(side * random.uniform(LEAST_SIDE, 1)) for side in rgb.shape[:2])
    top, left = (int(random.integers(0, free + 1)) for free in (rgb.shape[0] - height, rgb.shape[1] - width))
    return np.ascontiguousarray(rgb[top : top + height, left : left + width])


def features_of(
    source: Source, photos: pd.Series, change: Callable[[RGB, np.random.Generator], RGB], backbone: Encoder, root: Path
) -> NDArray[np.float32]:
    """The backbone's features of the photos after `change`."""

    def view(numbered: tuple[int, str]) -> RGB:
        number, name = numbered
        metadata, photo = open_photo(source, name)
        assert photo is not None, metadata["problem"]
        return backbone.framing(change(photo.rgb, np.random.default_rng([0, number])))

    views: Iterator[RGB] = ahead(view, enumerate(photos), workers=2)
    blocks = embed_views(views, backbone, choose_runtime(backbone, "auto", networks_folder(root)))
    return join_features(blocks["multilayer"], blocks["embedding"])


def main() -> None:
    """Train in each way and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--catalogue", default="imagelab")
    parser.add_argument("--processed", type=Path)
    parser.add_argument("--seeds", default="0")
    given = parser.parse_args()
    study = Run.in_project(given.catalogue, processed=str(given.processed or "data/processed"))
    work = study.workspace
    items, part, grid = work.items(), work.table("split")["split"].to_numpy(), np.asarray(work.vectors("colour_grid"))
    own = join_features(work.vectors("multilayer"), work.vectors("max_pooled"))
    backbone, source = reopen_backbone(work.json("backbone")), study.source
    train, queries = np.flatnonzero(part == "train"), np.flatnonzero(part == "validation")
    looked = np.concatenate([train, queries])
    turned = features_of(source, items["photo"].iloc[looked], mirrored, backbone, work.stores)
    parts = features_of(source, items["photo"].iloc[train], cropped, backbone, work.stores)
    flipped = grid[:, :, ::-1]
    ways = {
        "items alone": ([], [], EPOCHS),
        "items alone, twice the epochs": ([], [], 2 * EPOCHS),
        "and mirrored": ([turned[: len(train)]], [flipped[train]], EPOCHS),
        "and cropped": ([parts], [grid[train]], EPOCHS),
        "and both": ([turned[: len(train)], parts], [flipped[train], grid[train]], EPOCHS),
    }
    lines = []
    for seed in (int(text) for text in given.seeds.split(",")):
        for way, (more, grids, epochs) in ways.items():
            rows = np.concatenate([np.arange(len(items)), *[train for _ in more]])
            begin = time.process_time()
            network, _ = train_attributes(
                np.concatenate([own, *more]), np.concatenate([grid, *grids]), items.iloc[rows].reset_index(drop=True),
                np.concatenate([part, *[part[train] for _ in more]]), seed, epochs=epochs, members=MEMBERS,
                progress=False,
            )  # fmt: skip
            seconds = time.process_time() - begin
            seen = network.distributions(own, grid)
            mirror = network.distributions(turned[len(train) :], flipped[queries])
            both = {name: (seen[name][queries] + mirror[name]) / 2 for name in seen}
            gallery = network.compose(own, seen)
            asked = {way: gallery[queries], f"{way}; query seen twice": network.compose(own[queries], both)}
            for name, vectors in asked.items():
                found = scores(network, vectors, gallery, items, queries)
                lines.append({"variant": name, "seed": seed, "seconds": seconds, **found})
                print(lines[-1], flush=True)
    print_means(lines)


if __name__ == "__main__":
    main()
