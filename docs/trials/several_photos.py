"""How do several photos become one item? Weighted means and best-of, on simulated further views of the sample.

    .venv/bin/python docs/trials/several_photos.py

reads the sample's report and prints a table in Markdown (it stands in docs/decisions.md). No catalogue with several
photos an item is at hand, so that each item gets a detail (60 to 80% of both sides, mirrored) and a customer's photo
(`customer_photos.simulate`); queries are another simulated customer's photo of the item, or the item itself.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from fashion.catalogue.run import Run
from fashion.embedding.backbones import load_backbone
from fashion.embedding.extraction import ahead, embed_views
from fashion.embedding.runtimes import choose_runtime
from fashion.photos.customer_photos import simulate
from fashion.photos.images import resize
from fashion.photos.measures import decode_photo

VIEWS, CUSTOMER = 4, 3

#: Which photos an item has: the shown one is the first.
SETS = {"detail and customer's photo": [0, 1, 2], "detail alone": [0, 1]}


def unit(rows: NDArray) -> NDArray:
    """Rows of length one."""
    return np.asarray(rows / np.maximum(np.linalg.norm(rows, axis=-1, keepdims=True), 1e-12))


def views(study: Run, size: int) -> Iterator[NDArray]:
    """The photo, a detail of it, and two customers' photos of every item, as the network takes them."""

    def of(row: int) -> list[NDArray]:
        photo = decode_photo(study.source.read(study.items["photo"].iloc[row]))
        rgb, random = photo.unpacked, np.random.default_rng([7, row])
        share, sides = random.uniform(0.6, 0.8), rgb.shape[:2]
        height, width = (int(side * share) for side in sides)
        top, left = (random.integers(0, side - part + 1) for side, part in zip(sides, (height, width), strict=True))
        detail = np.ascontiguousarray(rgb[top : top + height, left : left + width][:, ::-1])
        worn, query = (simulate(photo, np.random.default_rng([seed, row])) for seed in (8, 9))
        return [resize(picture, size) for picture in (rgb, detail, worn, query)]

    for pictures in ahead(of, range(len(study.items)), 2):
        yield from pictures


def scores(vectors: NDArray, chosen: list[int]) -> dict[str, tuple[NDArray, NDArray]]:
    """Way of joining -> similarities of customers' photos and of items to all items, each (n, n)."""
    several, shown = vectors[:, chosen], vectors[:, 0]
    rest = several[:, 1:].mean(axis=1)
    ways = {"shown photo alone": shown, "mean": several.mean(axis=1)}
    ways |= {f"shown photo weighs {name}": w * shown + (1 - w) * rest for name, w in (("1/2", 1 / 2), ("2/3", 2 / 3))}
    customer = unit(vectors[:, CUSTOMER])
    table = {name: (customer @ unit(way).T, unit(way) @ unit(way).T) for name, way in ways.items()}
    every = [unit(several[:, n]) for n in range(len(chosen))]
    best = np.max([customer @ one.T for one in every], axis=0)
    table["best-of"] = best, np.max([one @ other.T for one in every for other in every], axis=0)
    return table


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--queries", type=int, default=600)
    queries = parser.parse_args().queries
    study = Run.in_project("sample")
    items, network = study.items, load_backbone("efficientnet-lite0", None, study.network["size"])
    blocks = embed_views(views(study, network.size), network, choose_runtime(network))
    rows = np.random.default_rng(0).choice(len(items), queries, replace=False)
    category = items["category"].to_numpy()
    both = (items["category"] + ", " + items["colour"]).to_numpy()
    header = ("features", "photos", "way", "found first", "found among six", "category", "both")
    print(f"| {' | '.join(header)} |\n|{'---|' * len(header)}")
    for block, flat in blocks.items():
        vectors = flat.reshape(len(items), VIEWS, -1)
        if block == "multilayer":  # cosines of these are of centred ones, as in notebook 02
            vectors = vectors - vectors[:, 0].mean(axis=0)
        for photos, chosen in SETS.items():
            for way, (customer, own) in scores(vectors, chosen).items():
                place = (customer[rows] > customer[rows, rows][:, np.newaxis]).sum(axis=1)
                others = own[rows].copy()
                others[np.arange(queries), rows] = -np.inf
                six = np.argpartition(-others, 6, axis=1)[:, :6]
                right = [(words[six] == words[rows][:, np.newaxis]).mean() for words in (category, both)]
                numbers = [(place < 1).mean(), (place < 6).mean(), *right]
                print(f"| {block} | {photos} | {way} | {' | '.join(f'{number:.3f}' for number in numbers)} |")


if __name__ == "__main__":
    main()
