"""Neighbours: all items' by blocked products, one query's by one pass, and from which size an index pays."""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.harness import Way, alternate, peak, resident, say, summarise
from fashion.neighbours.approximate import open_index
from fashion.neighbours.exact import nearest, normalise, top_k

K = 6

OURS = "ours, exact, blocked"


def clustered(count: int, width: int, seed: int = 0) -> NDArray[np.float32]:
    """Unit vectors around 2,000 styles, as near each other as ImageLab's frozen vectors are; made in blocks."""
    random = np.random.default_rng(seed)
    styles = random.normal(size=(2_000, width)).astype(np.float32)
    vectors = np.empty((count, width), np.float32)
    for first in range(0, count, 50_000):
        rows = vectors[first : first + 50_000]
        rows[:] = styles[random.integers(0, len(styles), len(rows))]
        rows += 0.7 * random.standard_normal(rows.shape, np.float32)
        rows[:] = normalise(rows)
    return vectors


def all_pairs(vectors: NDArray[np.float32], rounds: int, queries: int, product: Way) -> dict[str, Any]:
    """Exact six nearest of many items: ours, NumPy's plain way, scikit-learn; as shares of the machine's peak."""
    from sklearn.neighbors import NearestNeighbors

    n, d = vectors.shape
    rows = np.sort(np.random.default_rng(1).permutation(n)[:queries])

    def plain() -> None:
        for first in range(0, queries, 500):
            similarity = vectors[rows[first : first + 500]] @ vectors.T
            np.argpartition(-similarity, K + 1, axis=1)[:, : K + 1]

    few = rows[: max(queries // 10, 1)]
    brute = NearestNeighbors(n_neighbors=K + 1, metric="cosine", algorithm="brute").fit(vectors)
    runs = alternate(
        [
            Way(OURS, lambda: _none(lambda: top_k(vectors, K, queries=rows, assume_unit=True)), queries),
            Way("NumPy, argpartition of each row", plain, queries),
            Way("scikit-learn, brute force", lambda: _none(lambda: brute.kneighbors(vectors[few])), len(few)),
            product,
        ],
        rounds,
    )
    table = summarise(runs, OURS)
    most = float(table.loc[table["way"] == product.name, "rate"].iloc[0])
    table = table[table["way"] != product.name].assign(share_of_peak=lambda t: t["rate"] * 2.0 * n * d / most)
    return {"items": n, "dimensions": d, "queries": queries, "peak_flops": most, "ways": table.to_dict("records")}


def _none(call: Callable[[], Any]) -> None:
    call()


def _times(call: Callable[[int], Any], rows: NDArray) -> dict[str, float]:
    seconds = []
    for row in rows:
        begin = time.perf_counter()
        call(int(row))
        seconds.append(time.perf_counter() - begin)
    return {"p50": float(np.percentile(seconds, 50)), "p99": float(np.percentile(seconds, 99))}


def single(count: int, width: int, queries: int) -> dict[str, Any]:
    """Seconds of single queries over `count` items, exact and by the index; its build time, recall and memory."""
    say(f"  one query over {count:,} x {width}")
    vectors = clustered(count, width)
    rows = np.random.default_rng(2).permutation(count)[:queries]
    one = np.ones(width, np.float32)

    def exact(row: int) -> None:
        nearest(vectors[row], vectors, K, None, row, assume_unit=True)

    results: dict[str, Any] = {"items": count, "dimensions": width, "queries": queries}
    exact(0)
    results["exact"] = _times(exact, rows)
    results["one_pass"] = _times(lambda _: vectors @ one, rows)  # what reading every number once costs
    with tempfile.TemporaryDirectory() as folder:
        begin = time.perf_counter()
        index = open_index(vectors, Path(folder) / "x.usearch")
        results["build_seconds"] = time.perf_counter() - begin
        results["index_bytes"] = os.path.getsize(Path(folder) / "x.usearch")
        results["approximate"] = _times(lambda row: index.nearest(vectors[row][np.newaxis], K, np.array([row])), rows)
        results["recall"] = index.recall(10, min(queries, 200))
        begin = time.perf_counter()
        mask = np.random.default_rng(3).random(count) < 0.05
        nearest(vectors[rows[0]], vectors, K, mask, assume_unit=True)
        results["exact_filtered_seconds"] = time.perf_counter() - begin
    results["resident_bytes"] = resident()
    return results


def run(options: dict[str, Any]) -> dict[str, Any]:
    """The part `neighbours`; each size of `single` runs in a process of its own (`options["single"]`)."""
    from benchmarks.processes import child

    quick = options["quick"]
    tables = [(4_000, 256, 400)] if quick else [(60_000, 256, 12_000), (60_000, 2_048, 3_000)]
    results = []
    for count, width, queries in tables:
        say(f"six nearest of {queries:,} among {count:,} x {width}")
        product = peak(512) if quick else peak()
        results.append(all_pairs(clustered(count, width), 1 if quick else 3, queries, product))
    sizes = [4_000] if quick else [10_000, 60_000, 250_000, 1_000_000]
    return {"all_pairs": results, "single": [child("single", count) for count in sizes]}
