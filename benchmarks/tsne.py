"""The map: time and quality of ours against scikit-learn's and openTSNE's own settings, on the same vectors."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.harness import say
from benchmarks.neighbours import clustered
from fashion.projection.tsne import map_trustworthiness, neighbour_recall, place_new, tsne_map

OURS = "ours"

#: Positions (n, 2), and the perplexity that they were made with.
Laid = tuple[NDArray, float]


def scikit_learn(vectors: NDArray[np.float32]) -> Laid:
    """scikit-learn's t-SNE by its defaults, except for the metric and the use of both cores."""
    from sklearn.manifold import TSNE

    tsne = TSNE(metric="cosine", init="random", random_state=0, n_jobs=-1)
    return tsne.fit_transform(vectors), tsne.perplexity


def open_tsne(vectors: NDArray[np.float32]) -> Laid:
    """openTSNE by its defaults, except for the metric and the use of both cores."""
    from openTSNE import TSNE

    tsne = TSNE(metric="cosine", n_jobs=-1, random_state=0)
    return np.asarray(tsne.fit(vectors)), tsne.perplexity


def ours(vectors: NDArray[np.float32]) -> Laid:
    """Our t-SNE, as notebook 05 calls it."""
    chart = tsne_map(vectors, 0)
    return chart.xy, chart.perplexity


WAYS = {OURS: ours, "openTSNE's defaults": open_tsne, "scikit-learn's defaults": scikit_learn}


def compare(vectors: NDArray[np.float32], rounds: int) -> list[dict[str, Any]]:
    """Seconds and quality of each way, turn by turn."""
    runs: list[dict[str, Any]] = []
    for number in range(rounds):
        for name, way in WAYS.items():
            begin = time.perf_counter()
            xy, perplexity = way(vectors)
            seconds = time.perf_counter() - begin
            quality = {
                "perplexity": perplexity,
                "recall": neighbour_recall(vectors, xy, 10, limit=len(xy)),
                "trustworthiness": map_trustworthiness(vectors, xy),
            }
            say(f"  {name}: {seconds:.1f} s, recall {quality['recall']:.3f}")
            runs.append({"way": name, "round": number, "seconds": seconds, **quality})
    return runs


def placing(vectors: NDArray[np.float32], count: int = 100) -> dict[str, Any]:
    """Place the last `count` items on the map of the others: seconds, and how many neighbours they find."""
    chart = tsne_map(vectors[:-count], 0)
    before = chart.xy.copy()
    begin = time.perf_counter()
    placed = place_new(chart, vectors[-count:])
    seconds = time.perf_counter() - begin
    joined = np.concatenate([chart.xy, placed])
    everywhere = neighbour_recall(vectors, joined, 10)
    return {
        "items": len(vectors) - count, "placed": count, "seconds": seconds, "recall_of_all": everywhere,
        "map_unmoved": bool(np.array_equal(before, chart.xy)),
    }  # fmt: skip


def run(options: dict[str, Any]) -> dict[str, Any]:
    """The part `tsne`, on a report's frozen vectors (all dimensions), or on made ones where there is no report."""
    from benchmarks.processes import vectors_of

    vectors, what = vectors_of(options, "max_pooled")
    if vectors is None:
        vectors, what = clustered(3_000, 256), "vectors made around 2,000 styles"
    sizes = [1_000] if options["quick"] else [n for n in (7_500, 60_000) if n <= len(vectors) * 1.02] or [len(vectors)]
    tables = []
    for size in sizes:
        rows = np.sort(np.random.default_rng(0).permutation(len(vectors))[:size])
        say(f"t-SNE of {len(rows):,} x {vectors.shape[1]}: {what}")
        chosen = np.asarray(vectors[rows], np.float32)
        rounds = 1 if options["quick"] or size > 10_000 else 3
        tables.append({"items": len(rows), "dimensions": chosen.shape[1], "runs": compare(chosen, rounds)})
    small = np.asarray(vectors[: sizes[0]], np.float32)
    return {"vectors": what, "tables": tables, "placing": placing(small)}
