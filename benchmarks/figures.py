"""The benchmarks' figures."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import matplotlib
import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure

from fashion.plots.style import PALETTE, QUIET, sign, use_style


def draw(part: str, results: dict[str, Any], folder: Path) -> list[Path]:
    """Draw a part's figures into `folder`; return their files, which may be none."""
    matplotlib.use("Agg")
    use_style()
    drawers = {
        "embedding": embedding,
        "curve": curve,
        "neighbours": neighbours,
        "tsne": tsne,
        "run": growth,
        "load": load,
    }
    paths = []
    if part in drawers:
        for number, figure in enumerate(drawers[part](results), start=1):
            path = folder / f"{part}-{number}.png"
            figure.savefig(path, bbox_inches="tight", dpi=150)
            plt.close(figure)
            paths.append(path)
    return paths


def _bars(rows: list[dict[str, Any]], unit: str, title: str, limit: float | None, source_line: str) -> Figure:
    """Medians as bars with least and most; the limit as a line."""
    figure, axes = plt.subplots(figsize=(9, 0.45 * len(rows) + 1.4), layout="constrained")
    at = np.arange(len(rows))[::-1]
    rates = np.array([row["rate"] for row in rows])
    around = np.abs(np.array([[row["rate_low"], row["rate_high"]] for row in rows]).T - rates)
    colours = [PALETTE[0] if row["way"].startswith("ours") else PALETTE[6] for row in rows]
    axes.barh(at, rates, color=colours, xerr=around, error_kw={"ecolor": QUIET, "capsize": 3})
    axes.set_yticks(at, [row["way"] for row in rows])
    axes.set(xlabel=unit, title=title)
    if limit:
        axes.axvline(limit, color=PALETTE[1], linestyle="--")
        axes.annotate("the machine's ceiling", (limit, at[-1] - 0.4), ha="right", va="bottom", color=PALETTE[1],
                      rotation=90, xytext=(-3, 0), textcoords="offset points", fontsize=8)  # fmt: skip
    return sign(figure, source_line)


def embedding(results: dict[str, Any]) -> list[Figure]:
    """One figure a backbone: photos a second of each way."""
    return [
        _bars(
            network["ways"], "photos a second", f"{network['backbone']} at {network['size']} px",
            network["ceiling_photos_per_second"],
            f"median of {network['rounds']} rounds, line from least to most; 400 x 600 JPEGs",
        )
        for network in results["backbones"]
    ]  # fmt: skip


def curve(results: dict[str, Any]) -> list[Figure]:
    """Agreement against cost, for the backbone whose quality can be measured, and the cost of the other."""
    figure, (left, right) = plt.subplots(1, 2, figsize=(10, 3.8), layout="constrained")
    known = [point for point in results["points"] if point["quality"]]
    for number, name in enumerate(("category", "colour", "category and colour")):
        mean = np.array([point["quality"][name]["mean"] for point in known])
        ends = np.array([[point["quality"][name][end] for end in ("low", "high")] for point in known]).T
        cost = [1e3 / point["photos_per_second"] for point in known]
        left.errorbar(cost, mean, np.abs(ends - mean), marker="o", capsize=3, color=PALETTE[number], label=name)
    for point in known:
        left.annotate(
            f"{point['size']} px", (1e3 / point["photos_per_second"], 0), ha="center", fontsize=8, color=QUIET
        )
    left.set(xlabel="milliseconds a photo", ylabel="share of the six nearest that agree", ylim=(0, None))
    left.set_title(f"{known[0]['backbone']}: quality against cost")
    left.legend()
    for number, name in enumerate(dict.fromkeys(point["backbone"] for point in results["points"])):
        points = [point for point in results["points"] if point["backbone"] == name]
        cost = [1e3 / p["photos_per_second"] for p in points]
        right.plot([p["size"] for p in points], cost, marker="o", color=PALETTE[number], label=name)
    right.set(xlabel="edge of the input, pixels", ylabel="milliseconds a photo", yscale="log", title="Cost")
    right.legend()
    text = f"{results['catalogue']}: {results['items']:,} items; frozen, max-pooled vectors; 95% bootstrap intervals"
    return [sign(figure, text)]


def neighbours(results: dict[str, Any]) -> list[Figure]:
    """Time of one query against the number of items: exact, by the index, one pass over memory."""
    figure, axes = plt.subplots(figsize=(7, 4), layout="constrained")
    items = [one["items"] for one in results["single"]]
    names = {"exact": "exact", "approximate": "index", "one_pass": "one pass over memory"}
    for number, (name, label) in enumerate(names.items()):
        p50 = np.array([one[name]["p50"] * 1e3 for one in results["single"]])
        p99 = np.array([one[name]["p99"] * 1e3 for one in results["single"]])
        axes.plot(items, p50, marker="o", color=PALETTE[number], label=f"{label}, median")
        axes.plot(items, p99, marker="^", linestyle=":", color=PALETTE[number], label=f"{label}, 99 of 100 are faster")
    axes.set(xscale="log", yscale="log", xlabel="items of 256 dimensions", ylabel="milliseconds per query")
    axes.set_title("One query at a time")
    axes.legend(fontsize=8)
    return [sign(figure, "six nearest; vectors made around 2,000 styles")]


def tsne(results: dict[str, Any]) -> list[Figure]:
    """Seconds and recall of each way, by number of items."""
    figures = []
    for one in results["tables"]:
        figure, axes = plt.subplots(figsize=(7, 3.4), layout="constrained")
        for number, way in enumerate(dict.fromkeys(run["way"] for run in one["runs"])):
            runs = [run for run in one["runs"] if run["way"] == way]
            axes.scatter(
                [r["seconds"] for r in runs], [r["recall"] for r in runs], color=PALETTE[number], label=way, s=50
            )
        axes.set(xlabel="seconds", ylabel="recall of ten neighbours", xlim=(0, None))
        axes.set_title(f"t-SNE of {one['items']:,} x {one['dimensions']:,}")
        axes.legend()
        figures.append(sign(figure, results["vectors"]))
    return figures


def growth(results: dict[str, Any]) -> list[Figure]:
    """Seconds of each step against the number of items, for the catalogue that was run at several sizes."""
    if not results["exponents"]:
        return []
    name = results["reports"][-1]["catalogue"]
    reports = sorted((r for r in results["reports"] if r["catalogue"] == name), key=lambda r: r["items"])
    figure, axes = plt.subplots(figsize=(8, 4.4), layout="constrained")
    items = [report["items"] for report in reports]
    for number, (step, power) in enumerate(results["exponents"].items()):
        seconds = [report["seconds"][step] for report in reports]
        axes.plot(items, seconds, marker="o", color=PALETTE[number % len(PALETTE)], label=f"{step}: items^{power:.2f}")
    axes.set(xscale="log", yscale="log", xlabel="items", ylabel="seconds", title=f"make report, cold: {name}")
    axes.legend(fontsize=8)
    return [sign(figure, "the power is the slope of a line fitted to the logarithms")]


def load(results: dict[str, Any]) -> list[Figure]:
    """The server's memory over the mixed load, and latencies of each kind of request."""
    figure, (left, right) = plt.subplots(1, 2, figsize=(11, 4), layout="constrained")
    kinds = list(dict.fromkeys(one["way"] for one in results["ways"]))
    at = np.arange(len(kinds))[::-1]
    for number, clients in enumerate(dict.fromkeys(one["clients"] for one in results["ways"])):
        ones = {one["way"]: one for one in results["ways"] if one["clients"] == clients}
        known = [kind for kind in kinds if kind in ones]
        p50, p99 = (np.array([ones[kind][name] * 1e3 for kind in known]) for name in ("p50", "p99"))
        place = at[[kind in ones for kind in kinds]] + 0.15 - 0.3 * number
        left.plot(p50, place, "o", color=PALETTE[number], label=f"{clients} client{'s' * (clients > 1)}: median to p99")
        left.hlines(place, p50, p99, color=PALETTE[number])
    left.set_yticks(at, kinds)
    left.set(xscale="log", xlabel="milliseconds", title="Latency")
    left.legend(fontsize=8)
    noted = np.array(results["mixed"]["memory"]["noted"])
    right.plot(noted[:, 0] / 60, noted[:, 1] / 2**20, color=PALETTE[0])
    right.set(xlabel="minutes of mixed load", ylabel="resident memory, MiB", ylim=(0, None), title="Memory")
    return [sign(figure, f"{results['catalogue']}: {results['items']:,} items; server and clients on one machine")]
