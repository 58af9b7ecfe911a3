"""Figures of notebook 02: similarities and features of the frozen vectors."""

from __future__ import annotations

import itertools
from collections.abc import Mapping

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib import ticker
from matplotlib.figure import Figure
from numpy.typing import NDArray

from fashion.core.checksums import short
from fashion.core.numerals import decimal
from fashion.evaluation.relevance import BOTH
from fashion.plots.style import PALETTE, QUIET, sign


def similarity_of_pairs(groups: Mapping[str, NDArray[np.floating]], source_line: str) -> Figure:
    """Cosine of pairs of each kind (random, same category, ...) as overlaid histograms with medians.

    Parameters
    ----------
    groups : mapping of str to ndarray of float, shape (p,)
        Kind of pair -> cosines.
    source_line : str
    """
    figure, axes = plt.subplots(figsize=(9, 3.8), layout="constrained")
    low = min(float(np.quantile(values, 0.001)) for values in groups.values())
    bins = np.linspace(low, 1, 70).tolist()
    for (name, values), colour in zip(groups.items(), PALETTE, strict=False):
        axes.hist(values, bins=bins, density=True, histtype="stepfilled", color=colour, alpha=0.22)
        axes.hist(values, bins=bins, density=True, histtype="step", color=colour, linewidth=1.6,
                  label=f"{name}: median {decimal(float(np.median(values)))}")  # fmt: skip
        axes.axvline(float(np.median(values)), color=colour, linewidth=1, linestyle=":")
    axes.set(xlabel="cosine similarity", ylabel="density", title="How similar are two items?")
    axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.2), ncols=3, fontsize=9)
    return sign(figure, source_line)


def feature_information(features: pd.DataFrame, source_line: str) -> Figure:
    """Mutual information of each feature with category and colour, against its variance.

    Parameters
    ----------
    features : DataFrame
        One row a feature: `variance`, `category` and `colour` (mutual information, nats).
    source_line : str
    """
    figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3.8), layout="constrained")
    for name, colour in (("category", PALETTE[0]), ("colour", PALETTE[1])):
        left.scatter(features["variance"], features[name], s=7, alpha=0.5, color=colour, label=name, linewidths=0)
        ordered = np.sort(features[name].to_numpy())[::-1]
        right.plot(np.arange(1, len(ordered) + 1), ordered, color=colour, label=name)
    left.set(xscale="log", xlabel="variance of the feature", ylabel="mutual information, nats",
             title="Which features are informative?")  # fmt: skip
    left.legend(title="information on", markerscale=2)
    right.set(
        xlabel="features, most informative first", ylabel="mutual information, nats", title="How evenly is it spread?"
    )
    return sign(figure, source_line)


def pca_spectrum(explained: NDArray[np.floating], marks: Mapping[str, int], source_line: str) -> Figure:
    """Cumulative share of variance by number of principal components, with the numbers that reach a share marked."""
    figure, axes = plt.subplots(figsize=(9, 3.6), layout="constrained")
    total = np.cumsum(explained) * 100
    axes.plot(np.arange(1, len(total) + 1), total, color=PALETTE[0])
    for label, count in marks.items():
        height = float(total[count - 1])
        axes.plot([count, count], [0, height], color=QUIET, linewidth=0.8, linestyle=":")
        axes.plot(count, height, "o", color=PALETTE[1], markersize=5)
        axes.annotate(f"{label}: {count:,}", (count, height), xytext=(8, -12), textcoords="offset points", fontsize=9)
    axes.set(xscale="log", xlabel="principal components", ylabel="% of variance", ylim=(0, 103),
             title="How many dimensions do the vectors use?")  # fmt: skip
    return sign(figure, source_line)


def selection_quality(table: pd.DataFrame, source_line: str, *, k: int) -> Figure:
    """Precision@k of the nearest neighbours for each choice of features, with 95% intervals.

    Parameters
    ----------
    table : DataFrame
        `choice`, `column` ("category", "colour", "category and colour"), `mean`, `low`, `high` (shares), `features`.
    source_line : str
    k : int
        Neighbours of each query.
    """
    choices = list(dict.fromkeys(table["choice"]))
    figure, axes = plt.subplots(figsize=(9, 0.9 + 0.42 * len(choices)), layout="constrained")
    for shift, (column, colour) in zip(
        (-0.2, 0, 0.2), (("category", PALETTE[0]), ("colour", PALETTE[1]), (BOTH, PALETTE[3])), strict=True
    ):
        part = table[table["column"] == column].set_index("choice").loc[choices]
        places = np.arange(len(choices)) + shift
        # Where all queries score alike, rounding may leave the mean a hair outside its interval.
        error = [(part["mean"] - part["low"]).clip(lower=0), (part["high"] - part["mean"]).clip(lower=0)]
        axes.errorbar(part["mean"], places, xerr=error, fmt="o", color=colour, markersize=5, capsize=2, label=column)
    axes.set_yticks(np.arange(len(choices)), choices)
    axes.set_ylim(len(choices) - 0.5, -0.5)
    low, high = float(table["low"].min()), float(table["high"].max())
    room = 0.06 * max(high - low, 0.05)
    axes.set(xlabel=f"Precision@{k}", xlim=(max(low - room, 0), min(high + room, 1)))
    axes.set_title("Which features give better neighbours?")
    axes.grid(axis="x", color="#eee9e2")
    axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.22), ncols=3)
    return sign(figure, source_line)


def quality_against_cost(table: pd.DataFrame, speeds: Mapping[str, float], source_line: str, *, k: int) -> Figure:
    """Precision@k of several networks against their photos a second, with 95% intervals.

    Parameters
    ----------
    table : DataFrame
        From `costs.network_costs`.
    speeds : mapping of str to float
        Network -> photos a second; those of given vectors, which have none, are horizontal lines.
    source_line : str
    k : int
        Neighbours of each query.
    """
    both = table[table["column"] == BOTH].set_index("network")
    figure, axes = plt.subplots(figsize=(9, 4.2), layout="constrained")
    for (name, row), colour in zip(both.iterrows(), itertools.cycle(PALETTE)):
        said = f"{name}: {row['dimensions']:,} dimensions, SHA-256 {short(row['checksum'])}"
        if name not in speeds:
            axes.axhline(row["mean"], color=colour, linestyle="--", label=said)
            continue
        error = [[max(row["mean"] - row["low"], 0)], [max(row["high"] - row["mean"], 0)]]
        axes.errorbar([speeds[str(name)]], [row["mean"]], yerr=error, fmt="o", color=colour, capsize=3, label=said)
    axes.set(xscale="log", xlabel="photos a second, decoded photo to vector, on this machine",
             ylabel=f"Precision@{k}, category and colour", title="What does a better network cost?")  # fmt: skip
    axes.xaxis.set_major_formatter(ticker.StrMethodFormatter("{x:,.0f}"))
    axes.xaxis.set_minor_formatter(ticker.StrMethodFormatter("{x:,.0f}"))
    axes.grid(axis="y", color="#eee9e2")
    axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.18), ncols=1, fontsize=9)
    return sign(figure, source_line)
