"""Quality against cost: both backbones over sizes of their input."""

from __future__ import annotations

import time
from functools import partial
from typing import Any

import numpy as np

from benchmarks.embedding import multiply_adds, random_resnet50
from benchmarks.harness import say
from benchmarks.photos import read_photo
from fashion.embedding import backbones
from fashion.embedding.backbones import Backbone
from fashion.embedding.extraction import ahead, embed_views
from fashion.embedding.runtimes import choose_runtime
from fashion.evaluation.relevance import precision_at_k
from fashion.evaluation.statistics import bootstrap_interval
from fashion.neighbours.exact import normalise, top_k

SIZES = {"efficientnet-lite0": (96, 128, 160, 192, 224), "resnet50": (96, 128, 160, 197, 224)}

ITEMS, QUERIES = 6_000, 2_000

ENDS = ("mean", "low", "high")

#: Photos from which a network's speed is taken where its quality cannot be measured.
SPEED = 128


def run(options: dict[str, Any]) -> dict[str, Any]:
    """The part `curve`, on a report's catalogue: agreement of the frozen vectors' six nearest, and photos a second."""
    from benchmarks.processes import report_of

    work, source = report_of(options)
    items = work.items()
    most = 300 if options["quick"] else ITEMS
    items = items.iloc[np.sort(np.random.default_rng(0).permutation(len(items))[:most])].reset_index(drop=True)
    rows = np.random.default_rng(1).permutation(len(items))[:QUERIES]
    points = []
    for size in SIZES["efficientnet-lite0"][: 2 if options["quick"] else None]:
        backbone = backbones.load_backbone("efficientnet-lite0", size=size)
        say(f"efficientnet-lite0 at {size} px, {len(items):,} photos")
        runtime = choose_runtime(backbone)
        begin = time.perf_counter()
        views = ahead(partial(read_photo, source, edge=size), items["photo"].tolist(), workers=2)
        unit = normalise(embed_views(views, backbone, runtime)["embedding"])
        rate = len(items) / (time.perf_counter() - begin)
        nearest, _ = top_k(unit, 6, queries=rows, assume_unit=True)
        agreed = precision_at_k(items, nearest, rows, ["category", "colour"])
        quality = {str(name): dict(zip(ENDS, bootstrap_interval(v, 0), strict=True)) for name, v in agreed.items()}
        points.append(_cost(backbone) | {"photos_per_second": rate, "quality": quality})
    for size in SIZES["resnet50"][: 1 if options["quick"] else None]:
        backbone = random_resnet50(size)
        say(f"resnet50 at {size} px")
        points.append(_cost(backbone) | {"photos_per_second": speed(backbone), "quality": None})
    return {"catalogue": work.json("source")["title"], "items": len(items), "queries": len(rows), "points": points}


def _cost(backbone: Backbone) -> dict[str, Any]:
    return {"backbone": backbone.name, "size": backbone.size, "multiply_adds": multiply_adds(backbone)}


def speed(backbone: Backbone) -> float:
    """Photos a second through the fastest runtime, photos in memory; the median of three."""
    shape = (16, backbone.size, backbone.size, 3)
    batch = np.random.default_rng(0).integers(0, 256, shape, np.uint8)
    runtime = choose_runtime(backbone)
    rates = []
    for _ in range(4):
        begin = time.perf_counter()
        for _ in runtime.stream([batch] * (SPEED // len(batch))):
            pass
        rates.append(SPEED / (time.perf_counter() - begin))
    return float(np.median(rates[1:]))
